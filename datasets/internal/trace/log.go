package trace

import (
	"fmt"
	"time"

	"github.com/seed-307b789f/xk6-llm/datasets/workload"
)

// log reads logs of production, tables or records whose columns are named by options or by usual names: a time, a
// prompt or messages or a number of tokens, and the session. Records of one session are calls that follow one another:
// a prompt continues the conversation, while messages and a number of tokens are those of the whole request.
type log struct {
	Options
	columns *columns
}

func newLog(o Options) Format { return log{o, newColumns(o)} }

func (log) Name() string { return "log" }

func (l log) Detects(record []byte) bool {
	f, err := l.columns.find(record)
	return err == nil && (given(f.value[promptColumn]) || given(f.value[messagesColumn]) || given(f.value[inputColumn]))
}

func (l log) Needed(name string) bool { return l.columns.indexed(name) }

func (l log) Index(record []byte) (Entry, error) {
	f, err := l.columns.find(record)
	return f.entry(), err
}

func (l log) Session(records []Record) (*workload.Session, error) {
	return grown(records, l.columns, l.IdleGapCap, l.call)
}

// call makes the call of a record.
func (l log) call(r Record, f fields) (c workload.Call, err error) {
	if value := f.value[inputColumn]; given(value) {
		if c.PromptTokens, err = tokens(value, f.name[inputColumn]); err != nil {
			return c, err
		}
	}
	if value := f.value[outputColumn]; given(value) {
		if c.Answer.Tokens, err = tokens(value, f.name[outputColumn]); err != nil {
			return c, err
		}
		c.MaxTokens = max(1, c.Answer.Tokens)
	}
	var messages []workload.Message
	switch {
	case given(f.value[messagesColumn]):
		messages, err = readMessages(f.value[messagesColumn])
	case given(f.value[promptColumn]):
		messages = []workload.Message{{Role: "user", Text: f.value[promptColumn].String()}}
	case given(f.value[inputColumn]):
		messages = sized(r, c.PromptTokens, 0).Prompt[0].Messages
	default:
		err = fmt.Errorf("it has no prompt, messages or input_tokens: %s", toName(r.Data))
	}
	c.Prompt = []workload.Part{{Messages: messages}}
	return c, err
}

// grown makes a session of records. What the messages of one repeat of the call before, with its answer, follows from
// the replay.
func grown(records []Record, columns *columns, idle time.Duration,
	call func(Record, fields) (workload.Call, error),
) (*workload.Session, error) {
	s := &workload.Session{}
	var turns []turn
	var before []workload.Message
	var roles []string
	for i, r := range inOrder(records) {
		f, err := columns.find(r.Data)
		if err != nil {
			return nil, r.Fault(err)
		}
		c, err := call(r, f)
		if err != nil {
			return nil, r.Fault(err)
		}
		messages := c.Prompt[0].Messages
		if f.name[promptColumn] != "" && !given(f.value[messagesColumn]) && !given(f.value[bodyColumn]) {
			c.Prompt = extend(messages, i-1)
		} else {
			c.Prompt = grow(messages, before, i-1)
		}
		before = messages
		role := lastRole(c.Prompt)
		if messages[0].Blocks != nil { // whose they were is not known
			role = ""
		}
		roles = append(roles, role)
		s.ID = f.value[sessionColumn].String()
		s.Calls, turns = append(s.Calls, c), append(turns, turn{record: r})
	}
	chain(s.Calls, turns, idle)
	people(s.Calls, roles)
	return s, nil
}
