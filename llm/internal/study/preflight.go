package study

import (
	"context"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// Preflight says what would keep the deployments that are to run from starting here, without starting any: see
// deploy.Preflight. Its error joins all that is wrong, as that of Read does. tell is told what takes seconds.
func (p *Plan) Preflight(ctx context.Context, tell func(line string)) error {
	needed := map[*Deployment]bool{}
	for _, c := range p.ToRun() {
		needed[c.Variant.Deployment] = true
	}
	k := &preflight{faults: faults{file: p.Experiment.File}, looked: map[string]bool{}}
	variants := p.Experiment.Variants()
	for i := range p.Experiment.Deployments {
		if d := &p.Experiment.Deployments[i]; needed[d] {
			k.deployment(ctx, d, variants, tell)
		}
	}
	p.refused = k.count > 0
	return k.err()
}

// preflight checks deployments.
type preflight struct {
	faults
	looked map[string]bool // what was checked: variants share programs and files
}

// deployment checks a deployment at all its parameters, which are among the variants.
func (k *preflight) deployment(ctx context.Context, d *Deployment, variants []*Variant, tell func(line string)) {
	before := k.count
	referred := map[string]bool{}
	for _, v := range variants {
		if v.Deployment != d || k.known(v) {
			continue
		}
		refers, err := deploy.Preflight(ctx, v.Spec(), deploy.Options{Progress: func(line string) {
			tell(v.Relabeled(line))
		}})
		if err != nil {
			k.add(d.made(), "deployment %s: %v", v.Label, err)
			continue
		}
		for _, name := range d.unused {
			referred[name] = referred[name] || refers != nil && refers(name)
		}
	}
	if k.count > before {
		return
	}
	for _, name := range d.unused {
		if !referred[name] {
			k.add(d.fields["matrix"], "matrix: neither the deployment nor its files have ${%s}, so its values make no "+
				"difference", name)
		}
	}
}

// known reports whether the like of a variant was checked.
func (k *preflight) known(v *Variant) bool {
	spec, values := v.Spec(), v.Values()
	parts := []string{v.Name, spec.Manifests, spec.Compose, spec.Directory}
	if len(spec.Command) > 0 {
		parts = append(parts, spec.Command[0])
	}
	id := partly(strings.Join(parts, "\x00"), values)
	known := k.looked[id]
	k.looked[id] = true
	return known
}

// made returns where it is said what a deployment is made of.
func (d *Deployment) made() place {
	kind, _ := d.Spec.Kind() // was checked
	if at, ok := d.fields[string(kind)]; ok {
		return at
	}
	return d.at
}
