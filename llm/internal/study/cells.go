package study

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/deploy"
)

// nameReference refers to the name of a deployment.
const nameReference = "name"

// Variant is a deployment at one value of each parameter.
type Variant struct {
	*Deployment
	Label      string // its name with the parameters
	Parameters []experiment.Parameter
	Units      string
	Price      string

	flags  []Flag
	warmup []Flag
}

// Spec returns what to start.
func (v *Variant) Spec() deploy.Spec {
	s := v.Deployment.Spec
	s.Values = v.Values()
	s.Command = nil
	for _, word := range v.Deployment.Spec.Command {
		if refs := deploy.References(word); len(refs) == 1 && word == "${"+refs[0].Name+"}" {
			if value, known := s.Values[refs[0].Name]; known && value == "" {
				continue // a parameter that is left out
			}
		}
		s.Command = append(s.Command, word)
	}
	return s
}

// Relabeled returns a line about the deployment as one about the variant.
func (v *Variant) Relabeled(line string) string {
	return v.Label + ": " + strings.TrimPrefix(line, v.Name+": ")
}

// Flags returns the flags of all cells of a variant.
func (v *Variant) Flags(e *Experiment) []Flag { return merged(e.flags, v.flags) }

// expanded returns a text with the values of its references.
func expanded(text string, values map[string]string) string {
	long, err := deploy.Expand(text, values)
	if err != nil {
		return text // refused when the file was read
	}
	return long
}

// Values returns the values of the references that are known before the deployment starts.
func (v *Variant) Values() map[string]string {
	values := map[string]string{nameReference: v.Name}
	for _, p := range v.Parameters {
		values[p.Name] = p.Value
	}
	return values
}

// Variants returns the deployments at all combinations of their parameters, of which the last changes first.
func (e *Experiment) Variants() (list []*Variant) {
	for i := range e.Deployments {
		d := &e.Deployments[i]
		combinations := [][]experiment.Parameter{{}}
		for _, a := range d.Matrix {
			var longer [][]experiment.Parameter
			for _, c := range combinations {
				for _, value := range a.Values {
					longer = append(longer, append(slices.Clone(c), experiment.Parameter{Name: a.Name, Value: value}))
				}
			}
			combinations = longer
		}
		for _, c := range combinations {
			list = append(list, newVariant(d, c))
		}
	}
	return list
}

func newVariant(d *Deployment, parameters []experiment.Parameter) *Variant {
	v := &Variant{Deployment: d, Label: d.Name, Parameters: parameters}
	for _, p := range parameters {
		v.Label += " " + p.Name + "=" + p.Value
	}
	values := v.Values()
	v.Units, v.Price = expanded(d.Units, values), expanded(d.Price, values)
	v.flags = expandedFlags(d.flags, values)
	if d.warmup != nil {
		v.warmup = append([]Flag{}, expandedFlags(d.warmup, values)...)
	}
	return v
}

// Cell is a variant with a workload at a load, once.
type Cell struct {
	Variant  *Variant
	Workload *Workload
	Load     *Load
	Repeat   int // from 1
	Name     string
	Test     Test // without a directory
}

// Label names a cell for people.
func (c *Cell) Label(repeats int) string {
	text := c.Variant.Label + " · " + c.Workload.Name + " · " + c.Load.Name
	if repeats > 1 {
		text += " · " + strconv.Itoa(c.Repeat)
	}
	return text
}

// Cells returns the cells in the order in which they run.
func (e *Experiment) Cells() (list []*Cell) {
	used := map[string]bool{}
	for _, v := range e.Variants() {
		for repeat := 1; repeat <= e.Repeats; repeat++ {
			for w := range e.Workloads {
				for l := range e.Loads {
					c := &Cell{Variant: v, Workload: &e.Workloads[w], Load: &e.Loads[l], Repeat: repeat}
					c.Test = Test{Config: c.Workload.Config, Flags: e.flagsOf(c)}
					c.Name = plain.FileName(c.fileName(e.Repeats), used)
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// fileName is the name of a cell before what a file's name cannot have is replaced.
func (c *Cell) fileName(repeats int) string {
	return strings.NewReplacer(" · ", ".", " ", "-").Replace(c.Label(repeats))
}

// seedFlag is the flag of the number from which everything random follows.
const seedFlag = "seed"

// flagsOf returns the flags of a cell. Its seed follows from the workload, the load and the repeat: all variants are
// sent the same requests, and no cell those of another cell of the same variant, which the server may have in a cache.
func (e *Experiment) flagsOf(c *Cell) []Flag {
	flags := merged(e.flags, c.Variant.flags, c.Workload.flags, c.Load.flags)
	base := ""
	for _, f := range flags {
		if f.Name == "load.base_seed" {
			return flags
		}
		if f.Name == seedFlag {
			base = strings.Join(f.Texts, ",")
		}
	}
	h := fnv.New64a()
	for _, part := range []string{base, c.Workload.Name, c.Load.Name, strconv.Itoa(c.Repeat)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	seed := strconv.FormatUint(h.Sum64()%1_000_000_000+1, 10)
	return merged(flags, []Flag{{Name: seedFlag, Texts: []string{seed}}})
}

// usualWarmup is the load of a warm-up that says no other.
const usualWarmup = "4"

// warmupOf returns the flags of the load before the cells of a variant.
func (e *Experiment) warmupOf(v *Variant) []Flag {
	flags := merged(e.flags, v.flags, v.warmup)
	for _, f := range flags {
		if slices.Contains([]string{"rate", "concurrency", "replay", "stages", "search"}, f.Name) ||
			strings.HasPrefix(f.Name, "load.") {
			return flags
		}
	}
	return merged(flags, []Flag{{Name: "concurrency", Texts: []string{usualWarmup}}})
}

// size returns the number of cells, which may be beyond all whole numbers.
func (e *Experiment) size() float64 {
	variants := 0.0
	for _, d := range e.Deployments {
		n := 1.0
		for _, a := range d.Matrix {
			n *= float64(len(a.Values))
		}
		variants += n
	}
	return variants * float64(len(e.Workloads)) * float64(len(e.Loads)) * float64(e.Repeats)
}

// signature is the same for tests whose flags differ in the seed alone.
func signature(t Test) string {
	parts := []string{t.Config}
	for _, f := range t.Flags {
		if f.Name != seedFlag || f.at.line > 0 {
			parts = append(parts, f.Name+"\x00"+strings.Join(f.Texts, "\x00"))
		}
	}
	return strings.Join(parts, "\x01")
}

// errNoVariant says which variants there are.
func errNoVariant(list []*Variant, name string) error {
	known := map[string]bool{}
	for _, v := range list {
		known[v.Label] = true
	}
	labels := slices.Sorted(maps.Keys(known))
	if name == "" {
		return errors.New("which deployment? There are " + strings.Join(labels, ", "))
	}
	return fmt.Errorf("no deployment is named %s%s", plain.Quote(name), suggestion(name, labels))
}

// Find returns the variant with a label, the only one for "".
func (e *Experiment) Find(label string) (*Variant, error) {
	list := e.Variants()
	if label == "" && len(list) == 1 {
		return list[0], nil
	}
	for _, v := range list {
		if v.Label == label {
			return v, nil
		}
	}
	return nil, errNoVariant(list, label)
}
