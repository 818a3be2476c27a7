package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// unrecorded are the flags of report that a recipe leaves out: where the report goes, what is printed, and what stands
// in config.yaml.
var unrecorded = []string{"out", "markers", "config"}

// recipeOf returns the recipe of a report that the flags ask for.
func recipeOf(flags *pflag.FlagSet) *convert.Recipe {
	r := &convert.Recipe{Configured: flags.Changed("config"), Flags: []convert.RecipeFlag{}, Unrepeated: []string{}}
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		switch {
		case slices.Contains(unrecorded, f.Name):
		case strings.HasPrefix(f.Name, "prometheus"): // a server that may be gone, and the way to sign in there
			r.Unrepeated = convert.AddNew(r.Unrepeated, []string{convert.FromPrometheus})
		default:
			for _, value := range values {
				if f.Name == "format" && value == "html" { // the page is not compared
					continue
				}
				r.Flags = append(r.Flags, convert.RecipeFlag{Name: f.Name, Value: value})
			}
		}
	})
	return r
}

// recipeArgs returns the recipe as the arguments of report. A table of requests has the marks that the report was
// given.
func recipeArgs(r *convert.Recipe, fromTable bool) (args []string) {
	for _, f := range r.Flags {
		if fromTable && (f.Name == "mark" || f.Name == "marks") {
			continue
		}
		args = append(args, "--"+f.Name+"="+f.Value)
	}
	return args
}

// fix replaces the times of marks in a recipe, which may be times of the day where the report was made, by instants.
func (f *markFlags) fix(r *convert.Recipe) {
	left := f.instants
	for i := range r.Flags {
		if r.Flags[i].Name == "mark" && len(left) > 0 {
			r.Flags[i].Value, left = left[0], left[1:]
		}
	}
}
