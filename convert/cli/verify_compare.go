package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/convert/internal/verify"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/version"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ownFacts are the keys of a passport that are about the files, and not about the run. The check of the hashes is
// theirs.
var ownFacts = []string{"xk6_llm.passport.report_version", "xk6_llm.passport.records", "xk6_llm.passport.files",
	"xk6_llm.passport.configuration", "xk6_llm.passport.recipe"}

// tableTick is by how much a figure of another tool may differ, in seconds and the like, if it is computed from the
// table of requests: that has microseconds, where the tool's own results have more digits.
const tableTick = 2e-6

// compare compares the files with those that were made again.
func (v *verification) compare() error {
	both, _, missing, err := verify.Shared(v.dir, v.remade)
	if err != nil {
		return err
	}
	o := verify.Options{Lenient: v.passport.Program != version.Version()}
	fromTable := v.fromTable()
	if fromTable && v.document.Get("xk6_llm.imported_from").Exists() {
		o.Within = tableTick
	}
	for _, name := range both {
		if fromTable && (name == reportdir.Parquet || name == v.prefix()+reportdir.PerRequest) {
			v.skipped = append(v.skipped, name) // the one is the source, which has not the texts of the other
			continue
		}
		how := o
		if name == v.summary {
			how.Ignored = append(slices.Clone(ownFacts), v.unrepeated()...)
		}
		if err := v.result.File(name, v.dir, v.remade, how); err != nil {
			return err
		}
		v.checked++
	}
	for _, name := range missing {
		listed := slices.ContainsFunc(v.passport.Files, func(f record.File) bool { return f.Name == name })
		if !listed && !o.Lenient {
			v.differs(name, "", "is missing: the records give it")
		}
	}
	v.singleOut()
	return nil
}

// unrepeated returns the keys of the summary that came from elsewhere than the records.
func (v *verification) unrepeated() (keys []string) {
	if v.passport.Recipe == nil {
		return nil
	}
	for _, source := range v.passport.Recipe.Unrepeated {
		if source == convert.FromPrometheus && v.fromTable() { // which has all marks
			continue
		}
		keys = append(keys, convert.UnrepeatedKeys[source]...)
	}
	return keys
}

// singleOut removes the differences of whole files whose values are named, as these say more.
func (v *verification) singleOut() {
	named := map[string]bool{}
	for _, d := range v.result.Differences {
		named[d.File] = named[d.File] || d.Key != ""
	}
	v.result.Differences = slices.DeleteFunc(v.result.Differences, func(d verify.Difference) bool {
		return d.Key == "" && named[d.File] && strings.HasPrefix(d.Text, "is not as the report wrote it")
	})
}

// tell prints what was found.
func (v *verification) tell() {
	out := &plain.Writer{W: v.cmd.OutOrStdout()}
	for _, d := range v.result.Differences {
		_, _ = fmt.Fprintf(out, "%s\n", plain.Terminal(d.String()))
	}
	if v.result.More > 0 {
		_, _ = fmt.Fprintf(out, "… and %d more differences\n", v.result.More)
	}
	if p := v.passport; p != nil && p.Program != version.Version() {
		_, _ = fmt.Fprintf(out, "%s: the report is of version %s, this is %s: %d keys that only one of them writes "+
			"are passed over\n", plain.Terminal(v.dir), plain.Terminal(p.Program), version.Version(), v.result.Passed)
	}
	if len(v.skipped) > 0 {
		slices.Sort(v.skipped)
		_, _ = fmt.Fprintf(out, "%s: not made again: %s\n", plain.Terminal(v.dir),
			plain.Terminal(strings.Join(v.skipped, ", ")))
	}
	if v.checked > 0 && len(v.result.Differences) == 0 {
		names := make([]string, len(v.source))
		for i, path := range v.source {
			names[i] = filepath.Base(path)
		}
		_, _ = fmt.Fprintf(out, "%s: all values of %d files are what %s gives, and all hashes hold\n",
			plain.Terminal(v.dir), v.checked, plain.Terminal(strings.Join(names, ", ")))
	}
}
