// Package traffic holds what makes the requests of one class of users differ from those of another, when users leave,
// and how requests are spread over endpoints. It sends nothing.
package traffic

import (
	"cmp"
	"maps"

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

// Over returns the class with what it leaves open taken from another one. Headers of both are sent; those of c win.
func (c Class) Over(other Class) Class {
	c.Label, c.Model = cmp.Or(c.Label, other.Label), cmp.Or(c.Model, other.Model)
	c.SLO, c.Priority = cmp.Or(c.SLO, other.SLO), cmp.Or(c.Priority, other.Priority)
	c.Leave = cmp.Or(c.Leave, other.Leave)
	switch {
	case len(c.Headers) == 0:
		c.Headers = other.Headers
	case len(other.Headers) > 0:
		all := maps.Clone(other.Headers)
		maps.Copy(all, c.Headers)
		c.Headers = all
	}
	return c
}
