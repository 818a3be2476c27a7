// Package traffic holds what makes the requests of one class of users differ from those of another, when users leave,
// and how requests are spread over endpoints. It sends nothing.
package traffic

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Class is a class of users, or what a request says of itself. What is zero is left to the client.
type Class struct {
	Label    string
	Model    string
	SLO      *record.Bounds
	Priority *int64
	Headers  map[string]string
	Leave    *Leave
}

// longestLabel bounds the length of a label, in characters.
const longestLabel = 100

// CheckLabel returns an error unless a class can have the name. The characters of a path are allowed.
func CheckLabel(label string) error {
	switch {
	case strings.TrimSpace(label) == "":
		return errors.New("a label must not be empty: name the class, such as chat")
	case utf8.RuneCountInString(label) > longestLabel:
		return fmt.Errorf("a label has at most %d characters, this one has %d", longestLabel,
			utf8.RuneCountInString(label))
	case !utf8.ValidString(label), strings.ContainsFunc(label, unicode.IsControl):
		return fmt.Errorf("a label must not hold control characters, got %q", label)
	}
	return nil
}

// Over returns the class with what it leaves open taken from another one. Headers of both are sent; of two with one
// name, that of c.
func (c Class) Over(other Class) Class {
	c.Label, c.Model = cmp.Or(c.Label, other.Label), cmp.Or(c.Model, other.Model)
	c.SLO, c.Priority = cmp.Or(c.SLO, other.SLO), cmp.Or(c.Priority, other.Priority)
	c.Leave = cmp.Or(c.Leave, other.Leave)
	switch {
	case len(c.Headers) == 0:
		c.Headers = other.Headers
	case len(other.Headers) > 0:
		c.Headers = joinHeaders(c.Headers, other.Headers)
	}
	return c
}

// joinHeaders returns headers with those of others whose names, in whichever case, they lack.
func joinHeaders(own, others map[string]string) map[string]string {
	all, names := maps.Clone(own), map[string]bool{}
	for name := range own {
		names[http.CanonicalHeaderKey(name)] = true
	}
	for name, value := range others {
		if !names[http.CanonicalHeaderKey(name)] {
			all[name] = value
		}
	}
	return all
}
