package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// project is a compose file of Docker, started as a project of its own.
type project struct {
	Name string `json:"name"` // of the project, which no other has
	File string `json:"file"` // as an absolute path

	d *Deployment
}

// Limits of commands of docker.
const (
	dockerLimit = time.Minute
	markLength  = 8 // of the mark in the project's name
)

// variable matches the names that the environment can carry.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// tool is docker compose for the project. Its environment holds the values, which the file refers to.
func (p *project) tool() *tool {
	t := &tool{program: "docker", log: &p.d.log, env: slices.Clone(p.d.spec.Environment)}
	for name, value := range p.d.spec.Values {
		if variable.MatchString(name) {
			t.env = append(t.env, name+"="+value)
		}
	}
	return t
}

// compose runs a command of docker compose.
func (p *project) compose(ctx context.Context, args ...string) ([]byte, error) {
	t := p.tool()
	t.quiet = args[0] == "ps" || args[0] == "logs" // asked every second
	return t.run(ctx, nil, append([]string{"compose", "-p", p.Name, "-f", p.File}, args...)...)
}

// installed returns an error unless docker compose is there.
func (p *project) installed(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("a compose file needs docker, which is not in PATH: install it, or start the services " +
			"yourself and give their url")
	}
	version := &tool{program: "docker", log: &output{}}
	if _, err := version.run(ctx, nil, "compose", "version"); err != nil {
		return fmt.Errorf("a compose file needs docker's plugin compose: install docker-compose-plugin (%w)", err)
	}
	return nil
}

// start starts the services.
func (p *project) start(ctx context.Context) (err error) {
	if err := p.installed(ctx); err != nil {
		return err
	}
	s := &p.d.spec
	if p.File, err = filepath.Abs(s.Compose); err != nil {
		return err
	}
	p.Name = strings.Join([]string{namespaceOf(s.Name), strings.ToLower(p.d.mark[:markLength])}, "-")
	if err := p.d.log.begin("compose " + s.Compose); err != nil {
		return err
	}
	if err := p.d.save(); err != nil { // before it is started, so that a kill leaves nothing that nobody knows
		return err
	}
	p.d.options.say("%s: starting %s as project %s", s.Name, s.Compose, p.Name)
	within, cancel := context.WithTimeoutCause(ctx, s.Ready.Timeout, fmt.Errorf("not done after %v", s.Ready.Timeout))
	defer cancel()
	_, err = p.compose(within, "up", "--detach")
	return err
}

// service is what is read of a container.
type service struct {
	Name     string
	Service  string
	State    string
	Health   string
	ExitCode int
}

// services returns the containers: docker writes one a line, or before 2.21 a list.
func (p *project) services(ctx context.Context) (list []service, err error) {
	ctx, cancel := context.WithTimeout(ctx, dockerLimit)
	defer cancel()
	out, err := p.compose(ctx, "ps", "--all", "--format", "json")
	if err != nil {
		return nil, err
	}
	if out = bytes.TrimSpace(out); bytes.HasPrefix(out, []byte("[")) {
		err = json.Unmarshal(out, &list)
		return list, err
	}
	for line := range bytes.Lines(out) {
		var s service
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, fmt.Errorf("docker compose ps: %w", err)
		}
		list = append(list, s)
	}
	return list, nil
}

// ready says which service is not healthy yet. A service that failed is final; one that ended well may have prepared
// something.
func (p *project) ready(ctx context.Context) (missing string, err error) {
	all, err := p.services(ctx)
	if err != nil {
		return err.Error(), nil // the daemon may be away for a moment
	}
	running := false
	for _, s := range all {
		switch {
		case (s.State == "exited" || s.State == "dead") && s.ExitCode != 0:
			return "", fmt.Errorf("service %s ended: exit code %d", s.Service, s.ExitCode)
		case s.State == "running" && (s.Health == "" || s.Health == "healthy"):
			running = true
		case s.State == "exited":
		case missing == "":
			missing = strings.TrimSpace(fmt.Sprintf("service %s is %s %s", s.Service, s.State, s.Health))
		}
	}
	if missing == "" && !running {
		return "", errors.New("no service runs any more")
	}
	return missing, nil
}

func (p *project) runs(ctx context.Context) bool {
	all, err := p.services(ctx)
	return err == nil && slices.ContainsFunc(all, func(s service) bool { return s.State == "running" })
}

func (p *project) lines(ctx context.Context) []string {
	out, err := p.compose(ctx, "logs", "--no-color", "--tail", fmt.Sprint(mostLines))
	if err != nil {
		return nil
	}
	return lastLines(out, p.d.log.mask)
}

func (p *project) state(s *State) { s.Project = p }

// stop keeps the output of the services, and removes them with their volumes.
func (p *project) stop(ctx context.Context) error {
	if p.Name == "" { // nothing was started
		return nil
	}
	within, cancel := context.WithTimeout(ctx, dockerLimit)
	defer cancel()
	if out, err := p.compose(within, "logs", "--no-color", "--tail", fmt.Sprint(keptLines)); err == nil {
		p.d.log.add(out)
	}
	grace := p.d.spec.Stop.Grace
	down := func(ctx context.Context, grace time.Duration) error {
		ctx, cancel := context.WithTimeoutCause(ctx, grace+dockerLimit, errors.New("no answer in time"))
		defer cancel()
		_, err := p.compose(ctx, "down", "--volumes", "--remove-orphans", "--timeout",
			fmt.Sprintf("%.0f", grace.Seconds()))
		return err
	}
	err := down(ctx, grace)
	if err != nil && ctx.Err() != nil {
		err = down(context.WithoutCancel(ctx), 0)
	}
	return err
}
