package datasets

import (
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
func readTurns(record []byte) ([]turn, error) {
	if err := check(record); err != nil {
		return nil, err
	}
	list := gjson.GetBytes(record, "conversations")
	switch {
	case list.Type == gjson.Null: // or missing
		return nil, nil
	case !list.IsArray():
		return nil, errors.New(`"conversations" is not a list`)
	}
	var turns []turn
	var err error
	list.ForEach(func(_, v gjson.Result) bool {
		if v.Type == gjson.String && gjson.Valid(v.Str) {
			v = gjson.Parse(v.Str)
		}
		from, value := v.Get("from"), v.Get("value")
		if from.Type != gjson.String || value.Type != gjson.String {
			err = fmt.Errorf(`turn %d is not {"from": …, "value": …}`, len(turns))
			return false
		}
		if strings.TrimSpace(value.Str) != "" {
			turns = append(turns, turn{from.Str, value.Str})
		}
		return true
	})
	return turns, err
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
