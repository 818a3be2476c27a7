package llm

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// warmup reads a warm-up: a duration, true for a whole stage, or 'until-stable'.
func warmup(dst *arrival.Warmup) func(sobek.Value) error {
	return func(v sobek.Value) error {
		switch given := export(v).(type) {
		case bool:
			*dst = arrival.WholeWarmup(given)
			return nil
		case string:
			if _, err := timespan.Value(given); err == nil || given == "" ||
				strings.Contains("0123456789.+-", given[:1]) {
				break
			}
			read, err := arrival.ParseWarmup(given)
			*dst = read
			return err
		case int64, float64:
		default:
			return fmt.Errorf("must be a duration such as '10s', true or '%s', got %s", arrival.UntilStable,
				describe(v))
		}
		var d time.Duration
		err := duration(&d)(v)
		*dst = arrival.WarmupFor(d)
		return err
	}
}

// warmupValue returns a warm-up as a script writes it.
func warmupValue(w arrival.Warmup) any {
	if w.Kind == record.WarmupWhole {
		return true
	}
	return w.Text()
}
