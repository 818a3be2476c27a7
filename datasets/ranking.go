package datasets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// documentsNames are the names that records use for documents to rank.
var documentsNames = []string{"documents", "texts", "passages"}

// readRanking reads {"query": …, "documents": [ … ]}. It reports false in found if the record has no documents.
func (d *decoder) readRanking(record []byte) (s sample, found bool, err error) {
	for field, value := range d.members(record) {
		switch name := normalizedName(field); {
		case name == "query":
			s.prompt, _ = d.stringText(value)
		case slices.Contains(documentsNames, name) && d.embeddedJSON(value)[0] == '[':
			found = true
			if s.ranked, err = textsOf(d.embeddedJSON(value)); err != nil {
				return s, true, fmt.Errorf("%q: %w", name, err)
			}
		default:
			d.countIgnored(name)
		}
	}
	if found && strings.TrimSpace(s.prompt) == "" {
		return s, true, fmt.Errorf("needs %q, a text, beside the documents", "query")
	}
	return s, found, nil
}

// textsOf reads a list of texts, or of objects with a text.
func textsOf(list []byte) (texts []string, err error) {
	gjson.ParseBytes(list).ForEach(func(_, v gjson.Result) bool {
		if v.IsObject() {
			v = v.Get("text")
		}
		if v.Type != gjson.String {
			err = fmt.Errorf("document %d is no text, and no object with a text", len(texts))
		}
		texts = append(texts, strings.Clone(v.Str))
		return err == nil
	})
	return texts, err
}
