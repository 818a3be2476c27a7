package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"unsafe"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Parse reads the text of a tokenizer.json file. Errors name the part of the file that they concern. The cost grows
// with the length of data, which is not kept.
func Parse(data []byte) (*Tokenizer, error) {
	data, err := textfile.Trim(data)
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	d, ok := readDocument(textOf(data))
	if !ok {
		data = textfile.Finite(data)
		d, ok = readDocument(textOf(data))
	}
	if !ok {
		var raw json.RawMessage
		return nil, fmt.Errorf("tokenizer file: %w", json.Unmarshal(data, &raw)) // json.Unmarshal tells where
	}
	if d.sections == nil {
		return nil, errors.New("tokenizer file: not a JSON object")
	}
	t, err := build(d)
	if err != nil {
		return nil, fmt.Errorf("tokenizer file: %w", err)
	}
	return t, nil
}

// textOf returns data as a string without a copy. The string is valid as long as data does not change.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

func build(d *document) (*Tokenizer, error) {
	t := &Tokenizer{seed: maphash.MakeSeed()}
	var err error
	section := func(name string) object { return object{value: d.sections[name], path: name, err: &err} }
	t.normalizers = parseNormalizers(section("normalizer"))
	steps, bytes := parsePreTokenizers(section("pre_tokenizer"))
	t.steps = steps
	t.decoders = parseDecoders(section("decoder"))
	if section("decoder").missing() {
		t.joined = " "
	}
	if err == nil {
		model := section("model")
		model.fields = d.model
		t.model = parseModel(lists{model, d}, bytes)
	}
	if err != nil {
		return nil, err
	}
	if m, ok := t.model.(*bpe); ok && m.cutsAtSpaces() {
		t.spaced = m
	} else if !ok && bytes {
		t.steps = append(t.steps, byteMapper{})
	}
	t.added = newAddedTokens(parseAddedTokens(section("added_tokens"), t.model), t.normalizeToken)
	t.before, t.behind = parseSpecialTokens(section("post_processor"))
	if err != nil {
		return nil, err
	}
	t.states.New = func() any { return newState(t) }
	return t, nil
}

func (t *Tokenizer) normalizeToken(content string) string {
	text := []byte(content)
	for _, n := range t.normalizers {
		var b buffer
		text, _ = n.normalize(&b, text, true)
	}
	return string(text)
}

// parseAddedTokens reads the added tokens. Their ids are the model's, or continue after it; the ids written in the file
// do not count.
func parseAddedTokens(o object, m model) []addedToken {
	var out []addedToken
	next := int32(m.len())
	known := map[string]bool{}
	for i, v := range o.value.Array() {
		e := object{value: v, path: fmt.Sprintf("%s.%d", o.path, i), err: o.err}
		t := addedToken{
			content: e.text("content"), singleWord: e.flag("single_word"), lstrip: e.flag("lstrip"),
			rstrip:     e.flag("rstrip"),
			normalized: e.flag("normalized"), special: e.flag("special"),
		}
		if t.content == "" || known[t.content] {
			continue
		}
		known[t.content] = true
		id, ok := m.id([]byte(t.content))
		if !ok {
			id = next
		}
		t.id, next = id, max(next, id+1)
		out = append(out, t)
	}
	return out
}
