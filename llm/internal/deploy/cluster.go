package deploy

import (
	"context"
	"errors"
	"strings"
)

type cluster struct{ d *Deployment }

func (c *cluster) start(context.Context) error           { return errors.New("later") }
func (c *cluster) ready(context.Context) (string, error) { return "", nil }
func (c *cluster) lines(context.Context) []string        { return nil }
func (c *cluster) stop(context.Context) error            { return nil }
func (c *cluster) state(s *State)                        { s.Cluster = c }

func newForward(string) (any, error) { return nil, nil }
func namespaceOf(name string) string { return strings.ToLower(name) }
