package trace

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/instant"
)

// ColumnNames are the names of columns in options, by what the columns hold.
var ColumnNames = []string{
	"time", "prompt", "messages", "input_tokens", "output_tokens", "session", "body", "headers",
}

// The columns, by their places in ColumnNames.
const (
	timeColumn = iota
	promptColumn
	messagesColumn
	inputColumn
	outputColumn
	sessionColumn
	bodyColumn
	headersColumn
	columnCount
)

// LengthNames are the names of columns that hold the lengths of prompts and of answers, in lower case and without
// separators. The first one that a file has is used.
var LengthNames = [2][]string{
	{
		"contexttokens", "prompttokens", "inputtokens", "requesttokens", "inputlength", "promptlength", "inputlen",
		"promptlen",
		"numprefilltokens", "prefilltokens", "numprompttokens", "numinputtokens", "numcontexttokens", "isl", "prompt",
		"input", "prefill", "context", "request", "in",
	},
	{
		"generatedtokens", "completiontokens", "outputtokens", "responsetokens", "outputlength", "outputlen",
		"numdecodetokens", "decodetokens", "numoutputtokens", "numcompletiontokens", "numgeneratedtokens",
		"responselength", "completionlength", "osl", "completion", "output", "decode", "generated", "response", "out",
	},
}

// usual are the names of columns that need not be named, as LengthNames has them. Those of times are instant.Names.
var usual = [columnCount][]string{
	promptColumn:   {"prompt", "prompttext", "textinput", "inputtext", "input", "query", "question", "text", "request"},
	messagesColumn: {"messages", "inputmessages", "chatmessages"},
	inputColumn:    plainly(LengthNames[0]),
	outputColumn:   plainly(LengthNames[1]),
	sessionColumn:  {"sessionid", "conversationid", "chatid", "threadid", "session"},
	bodyColumn:     {"body", "requestbody", "payload", "requestpayload", "request"},
	headersColumn:  {"headers", "requestheaders"},
}

// plainly returns the names that are those of lengths without a doubt: a column called prompt may hold texts.
func plainly(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !strings.Contains(name, "token") && !strings.Contains(name, "len") && !strings.HasSuffix(name, "sl")
	})
}

// columns finds the fields of records by what they hold: by the names of options, or by usual names.
type columns struct {
	named [columnCount]string
	ranks sync.Map // [columnCount]rank by name
	known atomic.Int32
}

// mostRanks is how many names are remembered: a record may have names of its own.
const mostRanks = 1000

// rank is how well a name is known; 0 is best, and below 0 unknown.
type rank struct {
	place int
	unit  float64
}

func newColumns(o Options) *columns {
	c := &columns{}
	for i, name := range ColumnNames {
		c.named[i] = o.Columns[name]
	}
	return c
}

// fields are the fields of one record by column.
type fields struct {
	value [columnCount]gjson.Result
	name  [columnCount]string
	unit  float64 // numbers to a second, by the name of the column of times; 0 if it does not tell
}

// find returns the fields of a record, with an error if it lacks one that was named. They are valid as long as the
// record is.
func (c *columns) find(record []byte) (f fields, err error) {
	var best [columnCount]int
	gjson.Parse(view(record)).ForEach(func(key, value gjson.Result) bool {
		for i, r := range c.rank(key.Str) {
			known := r.place >= 0 && fits(i, value) && (f.name[i] == "" || r.place < best[i])
			if !known || c.named[i] != "" {
				continue
			}
			best[i], f.name[i], f.value[i] = r.place, key.Str, value
			if i == timeColumn {
				f.unit = r.unit
			}
		}
		return true
	})
	for i, name := range c.named {
		if name == "" {
			continue
		}
		if f.name[i], f.value[i] = name, field(record, name); !f.value[i].Exists() && err == nil {
			err = fmt.Errorf("no field %q, the column of %s", name, ColumnNames[i])
		}
		if i == timeColumn {
			_, f.unit = instant.SplitName(name)
		}
	}
	return f, err
}

// rank returns how well a name is known for each column.
func (c *columns) rank(name string) [columnCount]rank {
	if known, ok := c.ranks.Load(name); ok {
		return known.([columnCount]rank)
	}
	var list [columnCount]rank
	isOther := func(r rune) bool { return !unicode.IsLetter(r) }
	letters := strings.Join(strings.FieldsFunc(strings.ToLower(name), isOther), "")
	for i, names := range usual {
		list[i].place = slices.Index(names, letters)
	}
	proper, unit := instant.SplitName(name)
	list[timeColumn] = rank{slices.Index(instant.Names, proper), unit}
	if proper == "" && unit == 0 {
		list[timeColumn].place = -1
	}
	if c.known.Load() < mostRanks {
		c.known.Add(1)
		c.ranks.Store(strings.Clone(name), list)
	}
	return list
}

// indexed reports whether the index needs a field: for the instant or the session, or because an option names it. An
// option may name several fields by a pattern.
func (c *columns) indexed(name string) bool {
	known := c.rank(name)
	return known[timeColumn].place >= 0 || known[sessionColumn].place >= 0 ||
		slices.ContainsFunc(c.named[:], func(named string) bool {
			return named == name || strings.ContainsAny(named, ".*?|@#!{[")
		})
}

// fits reports whether a value can be that of a column: a request may be a text or a body.
func fits(column int, value gjson.Result) bool {
	isBody := value.IsObject() || value.Type == gjson.String && strings.HasPrefix(strings.TrimSpace(value.Str), "{")
	switch column {
	case promptColumn:
		return value.Type == gjson.String && !isBody
	case bodyColumn:
		return isBody
	}
	return true
}

// entry returns what the index knows of a record.
func (f *fields) entry() Entry {
	e := Entry{Session: f.value[sessionColumn].String()}
	if given(f.value[timeColumn]) {
		e.Time, e.Unit = plain(f.value[timeColumn]), f.unit
	}
	return e
}
