package convert

import (
	"cmp"
	"slices"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/version"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Passport tells what a report was made of, and by what, so that somebody else can check it and make it again. The
// summary has it.
type Passport struct {
	Program string `json:"report_version"` // of the program that made the report
	// Recipe tells how to make the report again; nil where it was made without a command.
	Recipe *Recipe `json:"recipe"`
	// Configuration is config.yaml as it was written; nil without one.
	Configuration *record.File `json:"configuration"`
	// Inputs are the script, the program that sent the requests, and the files that it read.
	Inputs    []record.File      `json:"inputs"`
	Generated []record.Generated `json:"generated_data"` // data sets that made their prompts up
	Machines  []MachineOf        `json:"machines"`       // of the instances, as far as the records tell
	Records   []record.File      `json:"records"`        // the files that the report was made of
	Files     []record.File      `json:"files"`          // the report's other files that can be made again
	Verdict   string             `json:"verdict"`        // on the load generator
	Audits    []Audit            `json:"audits"`
}

// MachineOf is the machine of an instance.
type MachineOf struct {
	Instance string `json:"instance"`
	record.Machine
}

// Recipe is the command that makes a report again out of its records.
type Recipe struct {
	// Configured reports that the settings are those of config.yaml in the report's directory.
	Configured bool         `json:"configured"`
	Flags      []RecipeFlag `json:"flags"`
	// Unrepeated names what went into the report and is neither in its records nor in the flags: prometheus, sweep.
	Unrepeated []string `json:"unrepeated"`
}

// The sources, other than records and flags, that Recipe.Unrepeated names.
const (
	FromPrometheus = "prometheus" // metrics of the server
	FromSweep      = "sweep"      // the probes that found the rates of the stages
)

// UnrepeatedKeys are the keys of a summary that depend on these sources. Of what Prometheus tells, alerts are marks,
// and the rest has files of its own: energy and cost come from records and flags.
var UnrepeatedKeys = map[string][]string{FromPrometheus: {"xk6_llm.marks"}, FromSweep: {"xk6_llm.sweep"}}

// RecipeFlag is a flag of llmconv report.
type RecipeFlag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// newPassport returns the passport of the report, without what is known only once its files are written.
func newPassport(p *Report) *Passport {
	r := p.run
	pass := &Passport{
		Program: version.Version(), Recipe: p.opts.Recipe, Verdict: p.Summary.Additions.Health.Verdict,
		Inputs: []record.File{}, Generated: []record.Generated{}, Machines: []MachineOf{},
		Records: append([]record.File{}, r.Files...), Files: []record.File{}, Audits: auditsOf(p),
	}
	for _, line := range r.Runs {
		pass.Inputs = AddNew(pass.Inputs, line.Files)
		if line.Machine != nil {
			pass.Machines = append(pass.Machines, MachineOf{line.Instance, *line.Machine})
		}
	}
	for _, line := range r.Clients {
		pass.Inputs = AddNew(pass.Inputs, line.Files)
		pass.Generated = AddNew(pass.Generated, line.Generated)
	}
	// instances come in any order
	slices.SortStableFunc(pass.Inputs, func(a, b record.File) int {
		return cmp.Or(cmp.Compare(kindRank(a), kindRank(b)), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.SHA256, b.SHA256))
	})
	return pass
}

// AddNew appends those of some values that are not there yet.
func AddNew[T comparable](list, more []T) []T {
	for _, each := range more {
		if !slices.Contains(list, each) {
			list = append(list, each)
		}
	}
	return list
}

// kindRank puts the kinds of inputs in order.
func kindRank(f record.File) int {
	return slices.Index([]string{record.KindScript, record.KindModule, record.KindBinary, record.KindConfiguration,
		record.KindData, record.KindTokenizer}, f.Kind)
}

// hasFile completes the passport with a file of the report that is written.
func (p *Passport) hasFile(name, sum string, size int64, configuration bool) {
	f := record.File{Kind: record.KindReport, Name: name, Bytes: size, SHA256: sum}
	if configuration {
		p.Configuration = &f
	}
	p.Files = append(p.Files, f)
}

// complete writes the hashes of the report's other files into its passport, and the passport into the document of the
// summary.
func complete(p *Report, documents []Document, written []record.File, prefix string) error {
	at := slices.IndexFunc(documents, func(d Document) bool { return d.Name == reportdir.Summary })
	pass := p.Summary.Additions.Passport
	if at < 0 || pass == nil {
		return nil
	}
	pass.Files, pass.Configuration = []record.File{}, nil
	for _, f := range written {
		pass.hasFile(f.Name, f.SHA256, f.Bytes, f.Name == prefix+reportdir.Config)
	}
	text, err := pythonJSON(p.Summary, "")
	documents[at].Text = text
	return err
}

// sameInputs checks that the instances of a run had the same inputs.
func sameInputs(r *run.Run) Audit {
	a := Audit{Name: "inputs_of_instances"}
	switch known := len(slices.DeleteFunc(slices.Clone(r.Runs), func(l *record.Run) bool { return l.Files == nil })); {
	case known == 0:
		return a.unknown("the records do not hold the hashes of script and program")
	case len(r.Runs) == 1:
		return a.ok("one instance sent the requests")
	case known < len(r.Runs):
		return a.unknown("the records of some of the instances do not hold the hashes of script and program")
	}
	sums := func(line *record.Run, kind string) (list []string) {
		for _, f := range line.Files {
			if f.Kind == kind {
				list = append(list, f.SHA256)
			}
		}
		return list
	}
	for _, line := range r.Runs[1:] {
		for kind, what := range map[string]string{record.KindScript: "scripts", record.KindModule: "scripts",
			record.KindBinary: "programs"} {
			if !slices.Equal(sums(line, kind), sums(r.Runs[0], kind)) {
				return a.off("instances %q and %q ran different %s", r.Runs[0].Instance, line.Instance, what)
			}
		}
	}
	return a.ok("all %d instances ran the same script and program", len(r.Runs))
}
