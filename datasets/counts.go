package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Counts holds how many records of files were kept and how many were left out, and why.
type Counts struct {
	Kept  int64
	Empty int64 // records without a question or without an answer
	Long  int64 // records outside of the lengths asked for

	// Turns is the number of turns of conversations that are left out: turns without text, the model's turns before any
	// question and, where all turns are asked, questions without an answer.
	Turns int64
	// Fields holds the names of unused fields, each with the number of records, messages or turns that have it. It is
	// nil if every field is used.
	Fields map[string]int64
	// Speakers holds the unknown speakers, who are taken for the user, each with the number of their turns. It is nil
	// if every speaker is known.
	Speakers map[string]int64
}

// Records returns the number of records that were read.
func (c Counts) Records() int64 { return c.Kept + c.Empty + c.Long }

// LeftOut reports whether the files hold data that no request uses.
func (c Counts) LeftOut() bool {
	return c.Empty+c.Long+c.Turns > 0 || c.Fields != nil || c.Speakers != nil
}

// String describes what is kept and what is left out.
func (c Counts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", c.Kept, plural(c.Kept, "record"))
	sep := "; left out: "
	left := func(n int64, format string, args ...any) {
		if n > 0 {
			b.WriteString(sep)
			fmt.Fprintf(&b, format, args...)
			sep = ", "
		}
	}
	left(c.Empty, "%d of %d without a question and an answer", c.Empty, c.Records())
	left(c.Long, "%d of %d outside of the lengths asked for", c.Long, c.Records())
	left(c.Turns, "%d %s without text, before the first question or without an answer", c.Turns,
		plural(c.Turns, "turn"))
	fields := int64(len(c.Fields))
	left(fields, "the %s %s", plural(fields, "field"), listCounts(c.Fields))
	if len(c.Speakers) > 0 {
		fmt.Fprintf(&b, "; taken for the user: turns of %s", listCounts(c.Speakers))
	}
	return b.String()
}

// plural returns a noun in the singular if n is 1, otherwise in the plural.
func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// listCounts lists names with their counts: a (12), b (3).
func listCounts(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// maxNames limits the names that are counted: some files use ids as names.
const maxNames = 30

// identityFields holds the fields that only identify a record or its origin. No request needs them, and counting them
// as left out would not help anyone. The field without a name and __index_level_0__ are the index of pandas.
var identityFields = map[string]bool{
	"id": true, "_id": true, "uuid": true, "hash": true, "idx": true, "index": true, "": true,
	"__index_level_0__": true,
	"custom_id":         true, "conversation_id": true, "conversation_hash": true, "question_id": true,
	"prompt_id":  true,
	"message_id": true,
	"source":     true, "url": true, "dataset": true, "language": true, "lang": true,
}

// countIgnored counts a field that is not used.
func (d *decoder) countIgnored(name string) {
	if identityFields[normalizedName(name)] {
		return
	}
	d.countName(&d.counts.Fields, name)
}

// countName counts a name, whose bytes are valid only until the next record.
func (d *decoder) countName(counts *map[string]int64, name string) {
	kept, known := d.names[name]
	if !known {
		if len(d.names) >= 2*maxNames {
			return
		}
		if d.names == nil {
			d.names = map[string]string{}
		}
		kept = strings.Clone(name)
		d.names[kept] = kept
	}
	if *counts == nil {
		*counts = map[string]int64{}
	}
	if _, known := (*counts)[kept]; known || len(*counts) < maxNames {
		(*counts)[kept]++ // the key must be the lasting copy: an assignment replaces the key, too
	}
}
