package study

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// deploymentReader reads what only deployments have.
type deploymentReader struct{ r *reader }

// deployment reads an entry of deployments.
func (r *reader) deployment(v *value) (d Deployment) {
	n := deploymentReader{r}
	r.keys(v, known.deployment)
	d.at, d.fields = v.place, map[string]place{}
	for _, m := range v.members {
		d.fields[m.key] = m.value.place
		for _, below := range m.value.members {
			d.fields[m.key+"."+below.key] = below.value.place
		}
	}
	s := &d.Spec
	text := func(to *string, key string) {
		if m := v.member(key); m != nil {
			*to = r.text(m, key)
		}
	}
	if name := v.member("name"); name != nil {
		d.Name = r.name(name)
		s.Name = d.Name
	} else {
		r.add(v.place, "deployments: each needs a name")
	}
	for key, to := range map[string]*string{"manifests": &s.Manifests, "namespace": &s.Namespace,
		"compose": &s.Compose, "url": &s.URL, "directory": &s.Directory, "units": &d.Units, "price": &d.Price} {
		text(to, key)
	}
	if m := v.member("command"); m != nil {
		s.Command = r.words(m, "command")
	}
	if m := v.member("environment"); m != nil {
		s.Environment = n.environment(m)
	}
	if m := v.member("matrix"); m != nil {
		d.Matrix = r.matrix(m)
	}
	d.flags = r.section(v.member("flags"), "flags")
	if m := v.member("warmup"); m != nil {
		d.warmup = append([]Flag{}, r.section(m, "warmup")...)
	}
	n.ready(v.member("ready"), &s.Ready)
	n.stop(v.member("stop"), &s.Stop)
	n.kind(v, s)
	d.unused = n.references(v, d.Matrix)
	return d
}

// kind makes sure that a deployment has one kind, and what the kind needs.
func (n deploymentReader) kind(v *value, s *deploy.Spec) {
	var kinds []string
	for _, key := range []string{"command", "manifests", "compose"} {
		if v.member(key) != nil {
			kinds = append(kinds, key)
		}
	}
	has := func(key string) bool { return v.member(key) != nil }
	switch {
	case len(kinds) > 1:
		n.r.add(v.member(kinds[1]).place, "%s and %s are two kinds of deployment: give one", kinds[0], kinds[1])
	case len(kinds) == 0 && !has("url") && slices.ContainsFunc(v.members, func(m member) bool {
		return !slices.Contains(known.deployment, m.key)
	}): // an unknown key is told, and is likely to be the kind
	case len(kinds) == 0 && !has("url"):
		n.r.add(v.place, "a deployment needs command, manifests, compose, or the url of a server that is there")
	case has("command") && !has("url"):
		s.URL = "http://127.0.0.1:${port}"
		if s.Command != nil && !usesPort(s.Command, s.Environment) {
			n.r.add(v.member("command").place, "the command has no ${port}: add it, or the url of the server")
		}
	case !has("url"):
		n.r.add(v.place, "a deployment of %s needs the url that its server will have", kinds[0])
	}
	for _, only := range []struct{ key, kind string }{{"namespace", "manifests"}, {"directory", "command"}} {
		if has(only.key) && !has(only.kind) && len(kinds) < 2 {
			n.r.add(v.member(only.key).place, "%s is for deployments with %s", only.key, only.kind)
		}
	}
	if len(kinds) == 0 && has("environment") {
		n.r.add(v.member("environment").place, "environment is for deployments that are started")
	}
}

// usesPort reports whether a command learns the port that was found for it.
func usesPort(lists ...[]string) bool {
	return strings.Contains(strings.Join(slices.Concat(lists...), " "), "${port}")
}

// environmentName is what a variable of an environment may be called.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment reads the variables of a command's environment.
func (n deploymentReader) environment(v *value) (list []string) {
	if v.kind != mappingKind {
		n.r.add(v.place, "environment: expected a mapping of names to texts, got %s", v.describe())
		return nil
	}
	for _, m := range v.members {
		switch {
		case !environmentName.MatchString(m.key):
			n.r.add(m.place, "environment: %s is no name of a variable", plain.Quote(m.key))
		case m.value.kind != scalarKind:
			n.r.add(m.value.place, "environment: %s: expected a text, got %s", m.key, m.value.describe())
		}
		list = append(list, m.key+"="+m.value.text)
	}
	return list
}

// ready reads when a server is ready.
func (n deploymentReader) ready(v *value, to *deploy.Ready) {
	if v == nil || !n.r.isMapping(v, "ready") {
		return
	}
	n.r.keys(v, known.ready)
	if m := v.member("timeout"); m != nil {
		to.Timeout = n.r.timespan(m, "timeout")
	}
	if m := v.member("path"); m != nil {
		if to.Path = n.r.text(m, "path"); !strings.HasPrefix(to.Path, "/") {
			n.r.add(m.place, "path: expected a path such as /health")
		}
	}
	if m := v.member("model"); m != nil {
		to.Model = n.r.text(m, "model")
	}
	if m := v.member("token"); m != nil {
		to.NoToken = !n.r.yes(m, "token")
	}
}

// stop reads how a server is stopped.
func (n deploymentReader) stop(v *value, to *deploy.Stop) {
	if v == nil || !n.r.isMapping(v, "stop") {
		return
	}
	n.r.keys(v, known.stop)
	if m := v.member("command"); m != nil {
		to.Command = n.r.words(m, "command")
	}
	if m := v.member("signal"); m != nil {
		to.Signal = n.r.text(m, "signal")
	}
	if m := v.member("grace"); m != nil {
		to.Grace = n.r.timespan(m, "grace")
	}
}

func (r *reader) isMapping(v *value, key string) bool {
	if v.kind != mappingKind {
		r.add(v.place, "%s: expected a mapping, got %s", key, v.describe())
	}
	return v.kind == mappingKind
}

// references makes sure that the texts of a deployment refer to what is known, and that each parameter has an effect.
// It returns the parameters that only the files of the deployment can refer to.
func (n deploymentReader) references(v *value, axes []Axis) (unused []string) {
	early := []string{nameReference}
	late := slices.DeleteFunc(deploy.Reserved(), func(name string) bool { return name == nameReference })
	for _, a := range axes {
		early = append(early, a.Name)
	}
	before, used := n.r.count, map[string]bool{}
	for _, m := range v.members {
		switch m.key {
		case "name", "matrix":
		case "flags", "warmup", "units", "price": // known before the server is started
			n.inside(m.value, early, used)
		default:
			n.inside(m.value, slices.Concat(early, late), used)
		}
	}
	if n.r.count > before {
		return nil
	}
	for _, a := range axes {
		if !used[a.Name] {
			unused = append(unused, a.Name)
		}
	}
	if v.member("compose") != nil || v.member("manifests") != nil {
		return unused
	}
	for _, name := range unused {
		n.r.add(v.member("matrix").place, "matrix: no text of the deployment has ${%s}, so its values make no "+
			"difference", name)
	}
	return nil
}

// inside checks the references of all texts in a value.
func (n deploymentReader) inside(v *value, known []string, used map[string]bool) {
	if v.kind == scalarKind {
		for _, ref := range deploy.References(v.text) {
			used[ref.Name] = true
			if err := ref.Check(known); err != nil {
				n.r.add(v.within(ref.Offset), "%v", err)
			}
		}
	}
	for _, item := range v.items {
		n.inside(item, known, used)
	}
	for _, m := range v.members {
		n.inside(m.value, known, used)
	}
}
