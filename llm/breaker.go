package llm

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
)

// breakerOptions are the options of one circuit breaker.
type breakerOptions struct{ breaker.Options }

func newBreakerOptions() *breakerOptions { return &breakerOptions{breaker.DefaultOptions()} }

// shareFields are the options of a trigger on a share of hits. They set given if the rate is among them.
func shareFields(t *breaker.Trigger, given *bool) fields {
	return fields{
		"rate":   func(v sobek.Value) error { *given = true; return number(&t.Rate)(v) },
		"window": duration(&t.Window), "minSamples": integer(&t.MinSamples, 0),
	}
}

func (o *breakerOptions) fields() fields {
	f := shareFields(&o.Share, new(bool))
	f["consecutive"] = integer(&o.Consecutive, 1)
	f["name"], f["stop"] = text(&o.Name), text(&o.Stop)
	f["matches"], f["rules"] = expressions(&o.Matches), expressions(&o.Rules)
	f["triggers"] = func(v sobek.Value) error { o.HasTriggers = true; return o.readTriggers(v) }
	return f
}

// readBreakers reads one breaker, or a list of them.
func (o *clientOptions) readBreakers(v sobek.Value) error {
	o.Breakers = nil
	return eachOf(v, func(i int, v sobek.Value) error {
		b, err := readBreaker(v)
		if err == nil && b != nil {
			o.Breakers = append(o.Breakers, b)
		}
		if err != nil && i >= 0 {
			err = fmt.Errorf("number %d: %w", i, err)
		}
		return err
	})
}

// eachOf calls f with each element of an array and its index. If the value is not an array, it calls f with -1 and the
// value.
func eachOf(v sobek.Value, f func(i int, v sobek.Value) error) error {
	list, ok := v.(*sobek.Object)
	if !ok || list.ClassName() != "Array" {
		return f(-1, v)
	}
	for i := range int(list.Get("length").ToInteger()) {
		if err := f(i, list.Get(strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func readBreaker(v sobek.Value) (*breaker.Circuit, error) {
	if absent(v) {
		return nil, nil // as if the option were not there
	}
	o := newBreakerOptions()
	if err := o.fields().read(nil, "circuitBreaker", v); err != nil {
		return nil, err
	}
	return breaker.NewCircuit(o.Options)
}

// readTriggers reads [{consecutive: 5}, {rate: 0.5, window: '10s', minSamples: 20}]. An empty list never opens the
// breaker.
func (o *breakerOptions) readTriggers(v sobek.Value) error {
	if list, ok := v.(*sobek.Object); !ok || list.ClassName() != "Array" {
		return fmt.Errorf("must be an array such as [{consecutive: 5}], got %s", describe(v))
	}
	return eachOf(v, func(i int, v sobek.Value) error {
		consecutive, share, hasRate := int64(0), breaker.DefaultShare(), false
		f := shareFields(&share, &hasRate)
		f["consecutive"] = integer(&consecutive, 1)
		err := f.read(nil, "trigger", v)
		switch {
		case err != nil:
		case (consecutive > 0) == hasRate:
			err = errors.New("needs either consecutive or a rate")
		case hasRate:
			o.Triggers = append(o.Triggers, share)
		default:
			o.Triggers = append(o.Triggers, breaker.Trigger{Consecutive: consecutive})
		}
		if err != nil {
			return fmt.Errorf("number %d: %w", i, err)
		}
		return nil
	})
}

// expressions reads an array of strings.
func expressions(dst *[]string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		*dst = []string{}
		return eachOf(v, func(i int, v sobek.Value) error {
			if i < 0 {
				return fmt.Errorf("must be an array of expressions such as [\"error.error_type == 'HTTP Error "+
					"503'\"], got %s", describe(v))
			}
			var one string
			if err := text(&one)(v); err != nil {
				return fmt.Errorf("number %d %w", i, err)
			}
			*dst = append(*dst, one)
			return nil
		})
	}
}
