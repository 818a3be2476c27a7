package tokenizer

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// document is a tokenizer.json taken apart in one pass. Only the long lists share memory with the text.
type document struct {
	sections map[string]gjson.Result // nil if the file is not an object
	model    map[string]gjson.Result // fields of the section "model"
	vocab    []entry                 // if it is an object
	fault    string                  // what is wrong with the entry of the vocabulary behind the last of vocab
	merges   []string                // elements, as the file writes them, if they are a list
}

// lists is the model with its long lists.
type lists struct {
	object
	*document
}

// readDocument takes a file apart. It reports false if the text is not JSON.
func readDocument(text string) (*document, bool) {
	d, w := &document{}, &walker{text: text}
	ok := false
	if w.next() == '{' {
		d.sections = map[string]gjson.Result{}
		ok = w.object(func(key string) bool { return d.readSection(w, key) })
	} else {
		_, ok = w.value()
	}
	w.next()
	return d, ok && w.at == len(text)
}

func (d *document) readSection(w *walker, name string) bool {
	if name == "model" {
		*d = document{sections: d.sections, model: map[string]gjson.Result{}}
		if w.next() == '{' {
			return w.object(func(key string) bool { return d.readModel(w, key) })
		}
	}
	raw, ok := w.value()
	d.sections[name] = gjson.Parse(strings.Clone(raw))
	return ok
}

// readModel reads one field of the model.
func (d *document) readModel(w *walker, name string) (ok bool) {
	first, start := w.next(), w.at
	rest := len(w.text) - start
	switch {
	case name == "vocab" && first == '{':
		d.vocab, d.fault = make([]entry, 0, rest/entryLength), ""
		ok = w.object(func(key string) bool { return d.readEntry(w, key) })
	case name == "merges" && first == '[':
		d.merges = make([]string, 0, rest/mergeLength)
		ok = w.array(func() bool { return d.readMerge(w) })
	default:
		_, ok = w.value()
	}
	raw := w.text[start:w.at]
	if name != "vocab" && name != "merges" {
		raw = strings.Clone(raw)
	}
	d.model[name] = gjson.Parse(raw)
	return ok
}

// The lengths of an entry of the vocabulary, together with the merge that makes it, and of a merge, as most files write
// them, in bytes. They only save that the lists are moved as they grow.
const (
	entryLength = 40
	mergeLength = 20
)

func (d *document) readEntry(w *walker, key string) bool {
	raw, ok := w.value()
	if !ok || d.fault != "" {
		return ok
	}
	id, isID := parseID(raw)
	if !isID {
		d.fault = fmt.Sprintf("token %q has id %s", key, raw)
		return true
	}
	d.vocab = append(d.vocab, entry{key, id})
	return true
}

// parseID reads a whole number that fits an id, from the JSON of any value.
func parseID(raw string) (id int32, ok bool) {
	if len(raw) > 9 {
		return toID(gjson.Parse(raw))
	}
	for i := range len(raw) {
		if raw[i] < '0' || raw[i] > '9' {
			return toID(gjson.Parse(raw))
		}
		id = 10*id + int32(raw[i]-'0')
	}
	return id, true
}

// readMerge leaves out the line of a version, which the files of merges begin with.
func (d *document) readMerge(w *walker) bool {
	raw, ok := w.value()
	if !ok || raw[0] == '"' && (raw[1] == '#' || raw[1] == '\\') && strings.HasPrefix(unquote(raw), "#version") {
		return ok
	}
	d.merges = append(d.merges, raw)
	return true
}
