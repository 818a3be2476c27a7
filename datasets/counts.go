package datasets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Counts is what became of the records of files.
type Counts struct {
	Kept  int64
	Empty int64 // nothing to ask in them, or no answer
	Long  int64 // outside of the lengths asked for

	// Turns of conversations that are left out: without text, the model's before any question and, where all turns
	// are asked, questions without an answer.
	Turns int64
	// Fields of which nothing is made, with how many records, messages or turns have them; nil for none.
	Fields map[string]int64
	// Speakers are those nobody knows, who are taken for the user, with their turns; nil for none.
	Speakers map[string]int64
}

// Records is how many were read.
func (c Counts) Records() int64 { return c.Kept + c.Empty + c.Long }

// LeftOut reports whether there is something in the files that no request has.
func (c Counts) LeftOut() bool {
	return c.Empty+c.Long+c.Turns > 0 || c.Fields != nil || c.Speakers != nil
}

// String says what is kept and what is left out.
func (c Counts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", c.Kept, number(c.Kept, "record"))
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
		number(c.Turns, "turn"))
	fields := int64(len(c.Fields))
	left(fields, "the %s %s", number(fields, "field"), list(c.Fields))
	if len(c.Speakers) > 0 {
		fmt.Fprintf(&b, "; taken for the user: turns of %s", list(c.Speakers))
	}
	return b.String()
}

// number is a noun in the number of n.
func number(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// list names what was counted, and how often: a (12), b (3).
func list(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%d)", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// maxNames bounds the names that are counted: some files have ids for names.
const maxNames = 30

// identity are the fields that say which record it is and where it comes from. No request has use for them, so that
// they are left out is not worth a word. One without a name and __index_level_0__ are pandas' index.
var identity = map[string]bool{
	"id": true, "_id": true, "uuid": true, "hash": true, "idx": true, "index": true, "": true,
	"__index_level_0__": true,
	"custom_id":         true, "conversation_id": true, "conversation_hash": true, "question_id": true,
	"prompt_id":  true,
	"message_id": true,
	"source":     true, "url": true, "dataset": true, "language": true, "lang": true,
}

// leave counts a field of which nothing is made.
func (d *decoder) leave(name string) {
	if identity[key(name)] {
		return
	}
	d.tally(&d.counts.Fields, name)
}

// tally counts a name, which is good until the next record.
func (d *decoder) tally(counts *map[string]int64, name string) {
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
		(*counts)[kept]++ // by a string that lasts: an assignment replaces the key, too
	}
}
