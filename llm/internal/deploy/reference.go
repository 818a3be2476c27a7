package deploy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Names that Start knows values of. A parameter cannot have them.
const (
	portName      = "port"
	deployedName  = "name"
	namespaceName = "namespace"
)

// Reserved returns the names that Start knows values of: a parameter cannot have them.
func Reserved() []string { return []string{portName, deployedName, namespaceName} }

// reference matches what a text is cut at: two dollars, or a reference, which may lack its end.
var reference = regexp.MustCompile(`\$\$|\$\{[^}]*\}?`)

// Reference is a ${NAME} in a text.
type Reference struct {
	Name   string
	Offset int  // of the dollar, in bytes
	Broken bool // there is no }
}

// References returns the references of a text in their order.
func References(text string) (list []Reference) {
	for _, at := range reference.FindAllStringIndex(text, -1) {
		if found := text[at[0]:at[1]]; found != "$$" {
			name, ended := strings.CutSuffix(found[2:], "}")
			list = append(list, Reference{Name: name, Offset: at[0], Broken: !ended})
		}
	}
	return list
}

// Check says what is wrong with a reference to one of the values; nil for nothing.
func (r Reference) Check(known []string) error {
	switch {
	case r.Broken:
		return fmt.Errorf("%q has no end: write ${NAME}, and $$ for a dollar", "${"+r.Name)
	case slices.Contains(known, r.Name):
		return nil
	}
	hint := "known are " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
	if near, ok := spelling.Nearest(r.Name, known); ok {
		hint = fmt.Sprintf("did you mean ${%s}? (%s)", near, hint)
	}
	return fmt.Errorf("unknown ${%s}: %s; $$ is a dollar", r.Name, hint)
}

// Expand replaces the references in a text, and $$ by a dollar.
func Expand(text string, values map[string]string) (string, error) {
	known := slices.Collect(maps.Keys(values))
	for _, r := range References(text) {
		if err := r.Check(known); err != nil {
			return "", err
		}
	}
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		return values[found[2:len(found)-1]]
	}), nil
}
