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

// ReadShareGPT reads one file of kind ShareGPT; name is the file's, for errors, which also tell the line.
func ReadShareGPT(src io.Reader, name string, opts Options) (Set, error) {
	file := File{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(src), nil }}
	l, err := Read([]File{file}, ShareGPT, opts)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// readTurns reads the turns of a record, {"conversations": [{"from": …, "value": …}, …]}; some files hold a turn, or
// the whole list, as JSON in a string. Turns without text are left out, and so is what the model says before any
// question.
func (d *decoder) readTurns(record []byte) ([]turn, error) {
	d.text, d.turns = d.text[:0], d.turns[:0]
	found := false
	for name, list := range d.members(record) {
		if key(name) != "conversations" {
			d.leave(name)
			continue
		}
		found = true
		switch list = d.parsed(list); {
		case list[0] == '[':
			if err := d.appendTurns(list); err != nil {
				return nil, err
			}
		case list[0] != 'n' && string(list) != `""`: // null, and the empty cell of a table
			return nil, errors.New(`"conversations" is not a list`)
		}
	}
	if !found {
		return nil, errors.New(`the record has no list "conversations"` + d.instead(record, "shareGPT"))
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
		t, ok := d.turn(d.parsed(v))
		if !ok {
			return fmt.Errorf(`turn %d is not {"from": …, "value": …} or {"role": …, "content": …}`, number)
		}
		number++
		if strings.TrimSpace(t.value) == "" {
			d.counts.Turns++
			continue
		}
		if _, known := roles[strings.ToLower(t.from)]; !known {
			d.tally(&d.counts.Speakers, t.from)
		}
		d.turns = append(d.turns, t)
	}
	return nil
}

// turn reads {"from": …, "value": …}, or {"role": …, "content": …} as messages have it.
func (d *decoder) turn(object []byte) (t turn, ok bool) {
	var texts [4]string // of turnFields
	var has [4]bool
	for name, field := range d.members(object) {
		at := slices.Index(turnFields[:], name)
		if at < 0 || has[at] {
			d.leave(name)
			continue
		}
		texts[at], has[at] = d.string(field)
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
			d.leave(turnFields[at])
		}
	}
	return turn{texts[speaker], texts[text]}, has[speaker] && has[text]
}

// turnFields are the speaker and the text of a turn, by either pair of names.
var turnFields = [...]string{"from", "value", "role", "content"}

// roles are the chat roles of speakers as the files name them.
var roles = map[string]string{
	"human": "user", "user": "user", "system": "system",
	"gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
	"model": "assistant",
}

// role is the chat role of a speaker; whoever is unknown is a user.
func role(from string) string {
	if known, ok := roles[strings.ToLower(from)]; ok {
		return known
	}
	return "user"
}
