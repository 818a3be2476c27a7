package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/seed-307b789f/xk6-llm/internal/textfile"
)

// Preflight says what would keep Start from starting a deployment, as far as that can be seen without starting
// anything: a program that is not there, no cluster that answers, manifests that refer to what is not known. refers
// reports whether the files that the deployment is made of have a reference, or may have; it is nil if there are none.
func Preflight(ctx context.Context, s Spec, o Options) (refers func(name string) bool, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	d, err := newDeployment(s, Options{Progress: o.Progress}) // which leaves no traces
	if err != nil {
		return nil, err
	}
	err = d.during("being checked", func() error {
		refers, err = d.server.preflight(ctx)
		return err
	})
	return refers, err
}

func (p *process) preflight(context.Context) (func(string) bool, error) {
	if _, err := os.Stat(p.spec.Directory); err != nil {
		return nil, err
	}
	program := p.spec.Command[0]
	path := program
	if filepath.Base(path) != path && !filepath.IsAbs(path) {
		path = filepath.Join(p.spec.Directory, path)
	}
	if _, err := exec.LookPath(path); err != nil {
		return nil, unstarted(program, err)
	}
	return nil, nil
}

func (c *cluster) preflight(ctx context.Context) (func(string) bool, error) {
	_, rendered, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.lookup(ctx); err != nil {
		return nil, err
	}
	return func(name string) bool { return rendered.used[name] }, nil
}

// fromOthers matches what makes a compose file take parts of other files.
var fromOthers = regexp.MustCompile(`(?m)^\s*-?\s*(include|extends)\s*:`)

func (p *project) preflight(ctx context.Context) (func(string) bool, error) {
	if err := p.installed(ctx); err != nil {
		return nil, err
	}
	text, err := textfile.ReadFile(p.d.spec.Compose)
	if err != nil {
		return nil, err
	}
	return func(name string) bool {
		reference := regexp.MustCompile(`(?:^|[^$])(?:\$\$)*\$\{?` + regexp.QuoteMeta(name) + `\b`)
		return reference.Match(text) || fromOthers.Match(text)
	}, nil
}

func (there) preflight(context.Context) (func(string) bool, error) { return nil, nil }
