package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidwall/gjson"
)

// turn is one entry of a conversation.
type turn struct{ from, value string }

// ReadShareGPT reads one file of kind ShareGPT; name is the file's, for errors, which also tell the line.
func ReadShareGPT(src io.Reader, name string, opts Options) (Set, error) {
	file := File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(src), nil }}
	l, err := Read([]File{file}, ShareGPT, opts)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// readTurns reads the turns of a record, {"conversations": [{"from": …, "value": …}, …]}; some files hold a turn as JSON in a
// string. Empty ones are left out.
func (d *decoder) readTurns(record []byte) ([]turn, error) {
	if err := check(record); err != nil {
		return nil, err
	}
	d.text, d.turns = d.text[:0], d.turns[:0]
	for name, list := range d.members(record) {
		if name != "conversations" {
			continue
		}
		switch list[0] {
		case 'n': // null
			return nil, nil
		case '[':
			err := d.appendTurns(list)
			return d.turns, err
		}
		return nil, errors.New(`"conversations" is not a list`)
	}
	return nil, errors.New(`the record has no list "conversations"`)
}

func (d *decoder) appendTurns(list []byte) error {
	for v := range elements(list) {
		if text, ok := d.string(v); ok && gjson.Valid(text) {
			v = bytes.TrimSpace([]byte(text))
		}
		var t turn
		var hasFrom, hasValue bool
		for name, field := range d.members(v) {
			switch {
			case name == "from" && !hasFrom:
				t.from, hasFrom = d.string(field)
			case name == "value" && !hasValue:
				t.value, hasValue = d.string(field)
			}
		}
		if !hasFrom || !hasValue {
			return fmt.Errorf(`turn %d is not {"from": …, "value": …}`, len(d.turns))
		}
		if strings.TrimSpace(t.value) != "" {
			d.turns = append(d.turns, t)
		}
	}
	return nil
}

// role is the chat role of a speaker as the files name them; whoever is unknown is a user.
func role(from string) string {
	switch strings.ToLower(from) {
	case "gpt", "assistant", "chatgpt", "bing", "bard", "model":
		return "assistant"
	case "system":
		return "system"
	}
	return "user"
}
