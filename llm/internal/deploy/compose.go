package deploy

import (
	"context"
	"errors"
)

type project struct {
	d    *Deployment
	File string
}

func (p *project) start(context.Context) error           { return errors.New("later") }
func (p *project) ready(context.Context) (string, error) { return "", nil }
func (p *project) lines(context.Context) []string        { return nil }
func (p *project) stop(context.Context) error            { return nil }
func (p *project) state(s *State)                        { s.Project = p }
