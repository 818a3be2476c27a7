package config

import (
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"
)

// UntilStable is the word for a warm-up that ends once the server is steady. A bound may follow, as in until-stable@2m.
const UntilStable = "until-stable"

// Warmup is how long a stage warms up. All of it is a warm-up if Word is set.
type Warmup struct {
	Seconds float64 // of the beginning; 0 with a word
	Word    string  // true, or UntilStable, perhaps with a bound; "" for a time
}

// Until reports whether the warm-up ends once the server is steady. A nil warm-up does not.
func (w *Warmup) Until() bool { return w != nil && strings.HasPrefix(w.Word, UntilStable) }

// Decode reads the value of a key.
func (w *Warmup) Decode(d *tagged.Decoder, v *tagged.Value, path string) {
	*w = Warmup{}
	if word, _, _ := strings.Cut(v.Text, "@"); v.Kind == tagged.TextKind && word == UntilStable {
		w.Word = v.Text
		return
	}
	if yes, ok := v.Bool(); ok && (v.Kind == tagged.BoolKind || v.Kind == tagged.TextKind && !isNumber(v)) {
		if yes {
			w.Word = "true"
		}
		return
	}
	x, ok := v.Float()
	if !ok {
		d.Faults.AddType(v, path, "seconds, true for a whole stage, or "+UntilStable, false)
		return
	}
	w.Seconds = x
	d.CheckBound(v, x, "seconds at least 0", path)
}

func isNumber(v *tagged.Value) bool {
	_, ok := v.Float()
	return ok
}

// Encode returns the value to write.
func (w Warmup) Encode(*tagged.Writer) *tagged.Value {
	switch w.Word {
	case "":
		return tagged.FloatValue(w.Seconds)
	case "true":
		return tagged.BoolValue(true)
	}
	return tagged.TextValue(w.Word)
}

// TypeText names the type in the list of keys.
func (Warmup) TypeText() string { return "float or word" }

// checkWarmup requires a warm-up of a stage to be shorter than the stage.
func checkWarmup(at *tagged.Section, warmup *Warmup, duration int64) {
	switch {
	case warmup == nil || !at.Valid("warmup", "duration"):
	case warmup.Until() && warmup.Word != UntilStable:
		at.Fault("warmup", "ends with its stage at the latest: leave the bound out of %s, and set the duration to it",
			tagged.Quote(warmup.Word))
	case warmup.Word == "" && warmup.Seconds >= float64(duration):
		at.Fault("warmup", "must be shorter than the duration (%d), got %v", duration, warmup.Seconds)
	}
}

// checkWarmups requires something to be measured.
func (c *Config) checkWarmups(at *tagged.Section) {
	own := c.Own.Warmup
	if own != nil && own.Word == "true" {
		at.Fault("x-llm.warmup", "true would leave nothing to measure: give it to a stage, as warmup: true")
	}
	var all []*Warmup
	for i := range c.Load.Stages.Standard {
		all = append(all, c.Load.Stages.Standard[i].Warmup)
	}
	for i := range c.Load.Stages.Concurrent {
		all = append(all, c.Load.Stages.Concurrent[i].Warmup)
	}
	for _, w := range all {
		if w == nil || w.Word == "" {
			return
		}
	}
	if len(all) > 0 {
		at.Fault("load.stages", "all stages are warm-ups, so nothing is measured: add a stage without warmup: true")
	}
}
