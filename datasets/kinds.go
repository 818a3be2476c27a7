package datasets

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Kind is a kind of records in files.
type Kind int

// The kinds.
const (
	// ShareGPT records are {"conversations": [{"from": "human", "value": …}, {"from": "gpt", "value": …}, …]}. As a
	// chat an item is the conversation up to its last answer; as a completion it is the first question that has an
	// answer.
	ShareGPT Kind = iota
	// BillSum records are conversations like those of ShareGPT.
	BillSum
	// InfinityInstruct records are conversations, too, that end in an answer. As a completion an item is everything
	// said before the last answer, one turn a line.
	InfinityInstruct
	// CNNDailyMail records are {"article": …, "highlights": …}: the article is the prompt, the highlights the answer.
	CNNDailyMail
	// Prompts records are {"prompt": …} or {"messages": [{"role": …, "content": …}, …]}, with "max_tokens" or with
	// "completion", the answer to measure; Options.Column names another field than these. Messages and the parameters
	// of a request beside them are kept as they stand.
	Prompts
)

// sample is a record as the kinds read it: the prompt and the answer to measure. Its texts are valid until the next
// record.
type sample struct {
	prompt   string
	messages []Message
	chat     []byte   // the messages as they stand in the file; messages is nil then
	ranked   []string // documents to rank by the prompt; nil if there are none
	params   []byte   // further fields of the request, as Item has them
	answer   string
	limit    int // limit of the answer, 0 if the record has none
}

// read splits a record into a sample. It reports false in ok if the record has no question.
func (k Kind) read(d *decoder, record []byte, form Form) (s sample, ok bool, err error) {
	switch k {
	case CNNDailyMail:
		return d.readArticle(record)
	case Prompts:
		return d.readPrompt(record, form)
	}
	turns, err := d.readTurns(record)
	if err != nil {
		return sample{}, false, err
	}
	s, ok = k.conversation(turns, form)
	return s, ok, nil
}

// conversation returns a sample of turns. It reports false if there is no question with an answer.
func (k Kind) conversation(turns []turn, form Form) (sample, bool) {
	first := form == AsCompletion && k != InfinityInstruct
	answer := -1
	for i := 1; i < len(turns) && (answer < 0 || !first); i++ {
		if role(turns[i].from) == "assistant" && role(turns[i-1].from) == "user" {
			answer = i
		}
	}
	if answer < 0 {
		return sample{}, false
	}
	s := sample{answer: turns[answer].value}
	switch {
	case first:
		s.prompt = turns[answer-1].value
	case form == AsCompletion:
		var texts []string
		for _, t := range turns[:answer] {
			texts = append(texts, t.value)
		}
		s.prompt = strings.Join(texts, "\n")
	default:
		for _, t := range turns[:answer] {
			s.messages = append(s.messages, Message{Role: role(t.from), Content: t.value})
		}
	}
	return s, true
}

// readArticle reads {"article": …, "highlights": …}. Null counts as an empty text.
func (d *decoder) readArticle(record []byte) (sample, bool, error) {
	d.text = d.text[:0]
	var texts [2]string
	var found [2]bool
	names := [2]string{"article", "highlights"}
	for field, value := range d.members(record) {
		at := slices.Index(names[:], normalizedName(field))
		if at < 0 {
			d.countIgnored(field)
			continue
		}
		texts[at], found[at] = d.stringText(value)
		found[at] = found[at] || value[0] == 'n'
	}
	for i, name := range names {
		if !found[i] {
			return sample{}, false, fmt.Errorf("the record has no text %q%s", name,
				d.describeFields(record, "cnn_dailymail"))
		}
	}
	return sample{prompt: texts[0], answer: texts[1]}, strings.TrimSpace(texts[0]) != "" &&
		strings.TrimSpace(texts[1]) != "", nil
}

// item returns a sample as an item, and false if its lengths are not asked for. The item holds copies: a record is
// larger than what is kept of it, and its bytes do not last.
func (o Options) item(s sample) (Item, bool) {
	item := Item{MaxTokens: s.limit}
	if item.MaxTokens == 0 && s.answer != "" {
		item.MaxTokens = o.tokens(s.answer)
	}
	if o.Input != nil && !o.Input.contains(o.length(s)) || o.Output != nil && !o.Output.contains(item.MaxTokens) {
		return Item{}, false
	}
	if len(s.params) > 0 {
		item.Params = bytes.Clone(s.params)
	}
	switch {
	case s.ranked != nil:
		item.Query, item.Inputs = strings.Clone(s.prompt), s.ranked
	case s.chat != nil:
		item.Chat = bytes.Clone(s.chat)
	case s.messages != nil:
		item.Messages = make([]Message, len(s.messages))
		for i, m := range s.messages {
			item.Messages[i] = Message{Role: strings.Clone(m.Role), Content: strings.Clone(m.Content)}
		}
	case o.Form == AsChat:
		item.Messages = []Message{{Role: "user", Content: strings.Clone(s.prompt)}}
	default:
		item.Prompt = strings.Clone(s.prompt)
	}
	return item, true
}

// length returns the number of tokens of a sample's prompt, or of the texts of a chat.
func (o Options) length(s sample) int {
	n := 0
	switch {
	case s.chat != nil:
		contentTexts(s.chat, func(text string) { n += o.tokens(text) })
	case s.messages == nil:
		return o.tokens(s.prompt)
	}
	for _, m := range s.messages {
		n += o.tokens(m.Content)
	}
	return n
}

// contains reports whether a length lies within the bounds.
func (d Distribution) contains(n int) bool { return d.Min <= n && n <= d.Max }

// reader reads items from files, one after the other.
type reader struct {
	files []File
	kind  Kind
	opts  Options

	current   int // index in files
	records   records
	closeFile func()
	counts    Counts
	decoder   decoder
	err       error // the error of a record is final: without that record all later items would change their numbers
}

func newReader(files []File, kind Kind, opts Options) *reader {
	r := &reader{files: files, kind: kind, opts: opts}
	r.decoder.counts, r.decoder.column = &r.counts, normalizedName(opts.Column)
	r.decoder.ranking = opts.Ranking
	return r
}

// record passes the next record to read; it returns io.EOF after the last. Errors, including those of read, name the
// file and the line.
func (r *reader) record(read func(record []byte) error) error {
	for r.err == nil {
		if r.records == nil {
			if r.current == len(r.files) {
				return io.EOF
			}
			var err error
			if r.records, r.closeFile, err = r.files[r.current].open(); err != nil {
				return err
			}
		}
		record, line, err := r.records.next()
		if err == io.EOF {
			r.close()
			r.current++
			continue
		}
		if err == nil {
			record, err = validRecord(record)
		}
		if err == nil {
			err = read(record)
		}
		if err != nil {
			var no *notJSON
			if errors.As(err, &no) {
				line += no.lines
			}
			r.close()
			r.err = fmt.Errorf("%s:%d: %w", r.files[r.current].Name, line, err)
			break
		}
		return nil
	}
	return r.err
}

// next returns the next item; io.EOF after the last.
func (r *reader) next() (Item, error) {
	for {
		var s sample
		var ok bool
		err := r.record(func(record []byte) (err error) {
			if s, ok, err = r.kind.read(&r.decoder, record, r.opts.Form); err != nil {
				err = cmp.Or(RefuseMooncake(record), err)
			}
			return err
		})
		if err != nil {
			return Item{}, err
		}
		if !ok {
			r.counts.Empty++
			continue
		}
		item, ok := r.opts.item(s)
		if !ok {
			r.counts.Long++
			continue
		}
		r.counts.Kept++
		return item, nil
	}
}

func (r *reader) close() {
	if r.records != nil {
		r.closeFile()
	}
	r.records = nil
}

// Read reads files into memory.
func Read(files []File, kind Kind, opts Options) (*List, error) {
	r := newReader(files, kind, opts)
	defer r.close()
	l := new(List)
	for {
		item, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, item)
	}
	l.Counts = r.counts
	if len(l.items) == 0 {
		return nil, r.noItemError()
	}
	if opts.Seed != nil {
		shuffle(l.items, *opts.Seed)
	}
	return l, nil
}

// noItemError returns the error for files that yield no item.
func (r *reader) noItemError() error {
	names := "no file"
	if len(r.files) > 0 {
		names = r.files[0].Name
	}
	if len(r.files) > 1 {
		names += fmt.Sprintf(" and %d more", len(r.files)-1)
	}
	switch c := r.counts; {
	case c.Long > 0:
		return fmt.Errorf("%s: none of %d records has the lengths asked for", names, c.Long)
	case c.Empty > 0:
		return fmt.Errorf("%s: none of %d records has a question with an answer", names, c.Empty)
	}
	return fmt.Errorf("%s: no record", names)
}
