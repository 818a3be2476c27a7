package arrival

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.k6.io/k6/v2/lib/types"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// UntilStable is the text of a warm-up that ends once the server is steady.
const UntilStable = "until-stable"

// DefaultBound is how long a warm-up until the server is steady lasts at most, unless its stage has a duration.
const DefaultBound = 5 * time.Minute

// Warmup says what of a stage is a warm-up, which is in no figure. The zero value says nothing. The duration is that of
// the stage's beginning, and 0 if all of the stage is a warm-up.
type Warmup struct {
	types.NullDuration
	// Kind is one of the constants record.Warmup… if all of the stage is a warm-up, and "" otherwise.
	Kind string
	// Most is how long one until the server is steady lasts at most, where it says so itself; else 0.
	Most time.Duration
}

// WarmupFor returns a warm-up of a stage's beginning.
func WarmupFor(d time.Duration) Warmup { return Warmup{NullDuration: types.NullDurationFrom(d)} }

// WholeWarmup returns the warm-up of a stage that is nothing else, and with false that of one that has none.
func WholeWarmup(whole bool) Warmup {
	w := WarmupFor(0)
	if whole {
		w.Kind = record.WarmupWhole
	}
	return w
}

// ParseWarmup reads a warm-up: a time such as 10s, true, or until-stable, which may have a bound, as in
// until-stable@2m.
func ParseWarmup(text string) (Warmup, error) {
	kind, most, bounded := strings.Cut(text, "@")
	switch {
	case text == "true", text == "false":
		return WholeWarmup(text == "true"), nil
	case kind == UntilStable:
		w := WarmupFor(0)
		w.Kind = record.WarmupUntilStable
		if !bounded {
			return w, nil
		}
		d, err := timespan.Parse(most)
		if err == nil && d <= 0 {
			err = fmt.Errorf("must be positive, got %v", d)
		}
		if err != nil {
			return Warmup{}, fmt.Errorf("the bound of %s: %w", text, err)
		}
		w.Most = d
		return w, nil
	}
	d, err := timespan.Parse(text)
	switch {
	case err == nil && d < 0:
		return Warmup{}, fmt.Errorf("must not be negative, got %v", d)
	case errors.Is(err, timespan.ErrNone) && !strings.ContainsAny(text, "0123456789"):
		return Warmup{}, fmt.Errorf("unknown %q, known are a time such as 10s, true for a whole stage, and %s",
			plain.OneLine(text, 40), UntilStable)
	}
	return WarmupFor(d), err
}

// Text returns the warm-up as ParseWarmup reads it.
func (w Warmup) Text() string {
	switch {
	case w.Kind == record.WarmupWhole:
		return "true"
	case w.Kind == "":
		return w.NullDuration.String()
	case w.Most > 0:
		return UntilStable + "@" + w.Most.String()
	}
	return UntilStable
}

// MarshalJSON writes null, a text, or true.
func (w Warmup) MarshalJSON() ([]byte, error) {
	switch {
	case !w.Valid:
		return []byte("null"), nil
	case w.Kind == record.WarmupWhole:
		return []byte("true"), nil
	}
	return json.Marshal(w.Text())
}

// UnmarshalJSON reads what MarshalJSON writes, and a number of milliseconds.
func (w *Warmup) UnmarshalJSON(data []byte) (err error) {
	var given any
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	switch given := given.(type) {
	case bool:
		*w = WholeWarmup(given)
		return nil
	case string:
		if read, err := ParseWarmup(given); err == nil {
			*w = read
			return nil
			// the form of k6 without a unit is left
		} else if !errors.Is(err, timespan.ErrNone) || strings.HasPrefix(given, UntilStable) {
			return fmt.Errorf("warmup: %w", err)
		}
	}
	*w = Warmup{}
	return w.NullDuration.UnmarshalJSON(data)
}

// WarmsAt reports whether what is sent so long after the stage's start belongs to a warm-up.
func (s Stage) WarmsAt(after time.Duration) bool { return s.Warming() || after < s.Warmup }

// Warming reports whether all of the stage is a warm-up.
func (s Stage) Warming() bool { return s.Kind != "" }

var errNothingMeasured = errors.New("all stages are warm-ups, so nothing is measured: add a stage without " +
	"warmup: true and warmup: 'until-stable'")

// checkWarmups returns an error if the load has stages, and all of them are warm-ups.
func checkWarmups(stages []Stage) error {
	if len(stages) > 0 && !slices.ContainsFunc(stages, func(s Stage) bool { return !s.Warming() }) {
		return errNothingMeasured
	}
	return nil
}

// warmFirst returns the options of the stages, with a warm-up before them if the load asks for one until the server is
// steady.
func (l *Load) warmFirst() ([]StageOptions, error) {
	switch {
	case l.Warmup.Kind == "", len(l.Stages) == 0:
		return l.Stages, nil
	case l.Warmup.Kind == record.WarmupWhole:
		return nil, errors.New("warmup: true is for a stage, and of a load it would leave nothing to measure: give " +
			"it " +
			"to the first stage")
	}
	first := l.Stages[0]
	own := StageOptions{Duration: types.NullDurationFrom(DefaultBound), Warmup: l.Warmup}
	if l.Warmup.Most > 0 {
		own.Duration.Duration = types.Duration(l.Warmup.Most)
	}
	own.Warmup.Most = 0
	switch {
	case first.Warmup.Kind != "":
		return nil, fmt.Errorf("warmup: %q puts a warm-up before stage 0, which is one: leave one of them out",
			UntilStable)
	case first.Concurrency.Valid:
		own.Concurrency, own.RampUp = first.Concurrency, first.RampUp
	case first.Rate.Valid:
		own.Rate = first.Rate
	default:
		return nil, fmt.Errorf("warmup: %q sends the load of stage 0 before it, and stage 0 is a ramp: let the first "+
			"stage be {rate: 5, warmup: '%s'}, with a rate of your own", UntilStable, UntilStable)
	}
	return append([]StageOptions{own}, l.Stages...), nil
}

// validateWarmup checks the fields of a warm-up.
func (s Stage) validateWarmup() error {
	switch {
	case s.Warmup < 0:
		return fmt.Errorf("warmup must not be negative, got %v", s.Warmup)
	case s.Warmup > 0 && s.Warmup >= s.Duration && !s.Counted():
		return fmt.Errorf("warmup (%v) must be shorter than the stage (%v)", s.Warmup, s.Duration)
	case s.Timeout > 0 && s.Warmup >= s.Timeout:
		return fmt.Errorf("warmup (%v) must be shorter than the timeout (%v)", s.Warmup, s.Timeout)
	case s.Kind == record.WarmupUntilStable && s.From != s.To:
		return fmt.Errorf("warmup: '%s' needs a load that stays, and the rate goes from %v to %v", UntilStable, s.From,
			s.To)
	}
	return nil
}
