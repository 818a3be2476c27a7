package llm

import (
	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
)

// place reads where media stand in a text: a number from 0 to 1, a distribution of such numbers, or null for anywhere.
func place(rt *sobek.Runtime, dst *datasets.Place) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var p datasets.Place
		if sobek.IsNull(v) {
			*dst = datasets.Place{Anywhere: true}
			return nil
		}
		if isNumber(export(v)) {
			if err := number(&p.At)(v); err != nil {
				return err
			}
			*dst = p
			return p.Validate()
		}
		d, low, high := datasets.Distribution{Type: datasets.Uniform, Mean: 0.5, StdDev: 0.25}, int64(0), int64(1)
		if err := distributionFields(&d, &low, &high).read(rt, "distribution", v); err != nil {
			return err
		}
		d.Min, d.Max = int(low), int(high)
		*dst = datasets.Place{Drawn: &d}
		return dst.Validate()
	}
}
