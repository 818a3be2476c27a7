package datasets

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// turn is one entry of a conversation.
type turn struct{ from, value string }

// ReadShareGPT reads one file of kind ShareGPT. Errors mention the file by name, and the line.
func ReadShareGPT(src io.Reader, name string, opts Options) (Set, error) {
	file := File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(src), nil }}
	l, err := Read([]File{file}, ShareGPT, opts)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// readTurns reads the turns of a record, {"conversations": [{"from": …, "value": …}, …]}; some files hold a turn, or
// the whole list, as JSON in a string. It leaves out turns without text, and the model's turns before any question.
func (d *decoder) readTurns(record []byte) ([]turn, error) {
	d.text, d.turns = d.text[:0], d.turns[:0]
	found := false
	for name, list := range d.members(record) {
		if normalizedName(name) != "conversations" {
			d.countIgnored(name)
			continue
		}
		found = true
		switch list = d.embeddedJSON(list); {
		case list[0] == '[':
			if err := d.appendTurns(list); err != nil {
				return nil, err
			}
		case list[0] != 'n' && string(list) != `""`: // null, and the empty cell of a table
			return nil, errors.New(`"conversations" is not a list`)
		}
	}
	if !found {
		return nil, errors.New(`the record has no list "conversations"` + d.describeFields(record, "shareGPT"))
	}
	turns := d.turns
	for len(turns) > 0 && role(turns[0].from) == "assistant" {
		turns = turns[1:] // models' chat templates want a conversation to begin with the user
		d.counts.Turns++
	}
	return turns, nil
}

func (d *decoder) appendTurns(list []byte) error {
	number := 0
	for v := range elements(list) {
		t, ok := d.turn(d.embeddedJSON(v))
		if !ok {
			return fmt.Errorf(`turn %d is not {"from": …, "value": …} or {"role": …, "content": …}`, number)
		}
		number++
		if strings.TrimSpace(t.value) == "" {
			d.counts.Turns++
			continue
		}
		if _, known := roles[strings.ToLower(t.from)]; !known {
			d.countName(&d.counts.Speakers, t.from)
		}
		d.turns = append(d.turns, t)
	}
	return nil
}

// turn reads {"from": …, "value": …}, or {"role": …, "content": …} as in messages.
func (d *decoder) turn(object []byte) (t turn, ok bool) {
	var texts [4]string // of turnFields
	var has [4]bool
	for name, field := range d.members(object) {
		at := slices.Index(turnFields[:], name)
		if at < 0 || has[at] {
			d.countIgnored(name)
			continue
		}
		texts[at], has[at] = d.stringText(field)
		has[at] = has[at] || at%2 == 1 && field[0] == 'n'
	}
	speaker, text := 0, 1
	if !has[0] {
		speaker = 2
	}
	if !has[1] {
		text = 3
	}
	for at, given := range has {
		if given && at != speaker && at != text {
			d.countIgnored(turnFields[at])
		}
	}
	return turn{from: texts[speaker], value: texts[text]}, has[speaker] && has[text]
}

// turnFields are the names of a turn's speaker and text, in two pairs.
var turnFields = [...]string{"from", "value", "role", "content"}

// roles holds the chat role of each speaker by the names that files use.
var roles = map[string]string{
	"human": "user", "user": "user", "system": "system",
	"gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
	"model": "assistant",
}

// role returns the chat role of a speaker. An unknown speaker is a user.
func role(from string) string {
	if known, ok := roles[strings.ToLower(from)]; ok {
		return known
	}
	return "user"
}
