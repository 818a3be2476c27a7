package tagged

import "strings"

// Section is a mapping that has been read, for the rules that [Checked] applies to it.
type Section struct {
	faults  *Faults
	v       *Value
	path    string
	present map[string]bool
}

// Given reports whether the document has a key, rather than leaving it to its default. A key of a section below is
// written with a dot.
func (s *Section) Given(key string) bool {
	section, below, nested := strings.Cut(key, ".")
	if !nested {
		return s.present[key]
	}
	at := s.v.Member(section)
	return at != nil && at.Member(below) != nil
}

// Valid reports whether the keys (the whole section for "") were read without a fault and none was misspelt, so that a
// rule may rely on their values.
func (s *Section) Valid(keys ...string) bool {
	for _, key := range keys {
		path := s.path
		if key != "" {
			path = join(path, key)
		}
		if s.faults.misspelt(path) {
			return false
		}
		for _, f := range s.faults.list {
			if path == "" || f.path == path || strings.HasPrefix(f.path, path+".") ||
				strings.HasPrefix(f.path, path+"[") {
				return false
			}
		}
	}
	return s.faults.count == len(s.faults.list)
}

// Fault reports a fault of a key of the section (of the section itself for ""), at the line of the key if the document
// has it.
func (s *Section) Fault(key, format string, args ...any) {
	path, at := s.path, s.v
	if key != "" {
		path = join(path, key)
	}
	for name := range strings.SplitSeq(key, ".") {
		name, _, _ = strings.Cut(name, "[")
		next := at.Member(name)
		if next == nil {
			break
		}
		at = next
	}
	s.faults.AddAt(at.Position, path, format, args...)
}
