package llm

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/breaker"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// circuitBreaker is a breaker and what it stops. Its fields are exported for JSON, by which clients of equal options
// are known; the breaker that counts is the one of the first of them.
type circuitBreaker struct {
	breaker.Definition
	Stop string // run or stage
	live *breaker.Breaker
}

// breakerOptions are the options of one circuit breaker.
type breakerOptions struct {
	circuitBreaker
	inARow, share trigger // the plain form: triggers among the options
	hasTriggers   bool
}

// trigger reads {consecutive} or {rate, window, minSamples}.
type trigger struct {
	breaker.Trigger
	hasRate bool
}

func newShare() trigger {
	return trigger{Trigger: breaker.Trigger{Window: 10 * time.Second, MinSamples: 20}}
}

func (t *trigger) rateFields() fields {
	return fields{
		"rate":   func(v sobek.Value) error { t.hasRate = true; return number(&t.Rate)(v) },
		"window": duration(&t.Window), "minSamples": integer(&t.MinSamples, 0),
	}
}

func (o *breakerOptions) fields() fields {
	f := o.share.rateFields()
	f["consecutive"] = integer(&o.inARow.Consecutive, 1)
	f["name"], f["stop"] = text(&o.Name), text(&o.Stop)
	f["matches"], f["rules"] = expressions(&o.Matches), expressions(&o.Rules)
	f["triggers"] = func(v sobek.Value) error { o.hasTriggers = true; return o.readTriggers(v) }
	return f
}

// readBreakers reads one breaker, or a list of them.
func (o *clientOptions) readBreakers(v sobek.Value) error {
	o.breakers = nil
	return eachOf(v, func(i int, v sobek.Value) error {
		b, err := readBreaker(v)
		if err == nil && b != nil {
			o.breakers = append(o.breakers, b)
		}
		if err != nil && i >= 0 {
			err = fmt.Errorf("number %d: %w", i, err)
		}
		return err
	})
}

// eachOf calls f with each element of an array and its number, or with a value that is none and -1.
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

func readBreaker(v sobek.Value) (*circuitBreaker, error) {
	if absent(v) {
		return nil, nil // as if the option were not there
	}
	o := &breakerOptions{circuitBreaker: circuitBreaker{Stop: "run"}, share: newShare()}
	if err := o.fields().read(nil, "circuitBreaker", v); err != nil {
		return nil, err
	}
	if o.Stop != "run" && o.Stop != "stage" {
		return nil, fmt.Errorf("stop must be 'run' or 'stage', got %q", o.Stop)
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	var err error
	o.live, err = breaker.New(o.Definition)
	return &o.circuitBreaker, err
}

// complete adds the triggers of the plain form and what it leaves unsaid: every request counts, and those that failed
// are hits. A breaker of expressions counts through all stages, as inference-perf's, unless it is to stop only one.
func (o *breakerOptions) complete() error {
	if o.inARow.Consecutive > 0 {
		o.Triggers = append(o.Triggers, o.inARow.Trigger)
	}
	if o.share.Rate != 0 {
		o.Triggers = append(o.Triggers, o.share.Trigger)
	}
	if len(o.Triggers) == 0 && !o.hasTriggers {
		return errors.New("needs consecutive, as in {consecutive: 10}, or a rate, as in {rate: 0.5, window: '10s'}")
	}
	plain := o.Matches == nil && o.Rules == nil
	o.PerStage = plain || o.Stop == "stage"
	if plain {
		o.Rules = []string{breaker.Failures}
	}
	if o.Matches == nil {
		o.Matches = []string{breaker.Every}
	}
	return nil
}

// readTriggers reads [{consecutive: 5}, {rate: 0.5, window: '10s', minSamples: 20}]. An empty list never opens the
// breaker.
func (o *breakerOptions) readTriggers(v sobek.Value) error {
	if list, ok := v.(*sobek.Object); !ok || list.ClassName() != "Array" {
		return fmt.Errorf("must be an array such as [{consecutive: 5}], got %s", describe(v))
	}
	return eachOf(v, func(i int, v sobek.Value) error {
		row, share := trigger{}, newShare()
		f := share.rateFields()
		f["consecutive"] = integer(&row.Consecutive, 1)
		err := f.read(nil, "trigger", v)
		switch {
		case err != nil:
		case (row.Consecutive > 0) == share.hasRate:
			err = errors.New("needs either consecutive or a rate")
		case share.hasRate:
			o.Triggers = append(o.Triggers, share.Trigger)
		default:
			o.Triggers = append(o.Triggers, row.Trigger)
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

// watch feeds a request that has ended to all breakers, and stops the load for those that are open.
func (f *call) watch(r *record.Request) {
	breakers := f.endpoint.opts.breakers
	if len(breakers) == 0 {
		return
	}
	sample, now := breaker.NewSample(r), time.Unix(0, r.End)
	for _, b := range breakers {
		if reason := b.live.Take(sample, now); reason != "" {
			f.halt(reason, b.Stop == "run")
		}
	}
}

// halt stops the load for a reason: our executor lets the requests in flight end; under others the test is aborted by
// the next request on this VU, for only its own goroutine may interrupt it.
func (f *call) halt(reason string, run bool) {
	if due := f.position.due; due != nil && due.Stop != nil {
		due.Stop(run, reason)
		return
	}
	f.endpoint.open(reason)
}
