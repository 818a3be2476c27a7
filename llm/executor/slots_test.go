package executor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
)

func TestSlotsOpenOverRampUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole, err := lib.NewExecutionTuple(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, start := t.Context(), time.Now()
		p := newSlots(arrival.Stage{Requests: 9, Concurrency: 4, RampUp: 4 * time.Second}, start, whole)
		var at []time.Duration
		for range 5 {
			if _, ok := p.acquire(ctx); !ok {
				t.Fatal("no slot before the end")
			}
			at = append(at, time.Since(start))
			time.AfterFunc(2500*time.Millisecond, p.release)
		}
		want := []time.Duration{0, 1 * time.Second, 2 * time.Second, 2500 * time.Millisecond, 3 * time.Second}
		if !slices.Equal(at, want) {
			t.Errorf("slots were acquired at %v, want %v", at, want)
		}
		p.waitFree(ctx)
		if got := time.Since(start); got != 5500*time.Millisecond {
			t.Errorf("empty after %v, want the last request's end at 5.5 s", got)
		}
	})
}

func TestSlotsEndWithTheLoad(t *testing.T) {
	t.Parallel()
	whole, err := lib.NewExecutionTuple(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newSlots(arrival.Stage{Requests: 9, Concurrency: 2, RampUp: time.Hour}, time.Now(), whole)
	if _, ok := p.acquire(t.Context()); !ok {
		t.Fatal("the first slot opens at once")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := p.acquire(ended); ok {
		t.Error("a slot was acquired after the end")
	}
	p.waitFree(ended) // returns
}

// Instances open their slots in turn: together they open them as one instance would.
func TestSlotsOfInstances(t *testing.T) {
	t.Parallel()
	stage, start := arrival.Stage{Requests: 100, Concurrency: 10, RampUp: 10 * time.Second}, time.Now()
	sequence, err := lib.NewExecutionSegmentSequenceFromString("0,1/3,2/3,1")
	if err != nil {
		t.Fatal(err)
	}
	var opens []time.Time
	for _, segment := range sequence {
		tuple, err := lib.NewExecutionTuple(segment, &sequence)
		if err != nil {
			t.Fatal(err)
		}
		opens = append(opens, newSlots(stage, start, tuple).opens...)
	}
	slices.SortFunc(opens, time.Time.Compare)
	for i, at := range opens {
		if want := start.Add(time.Duration(i) * time.Second); !at.Equal(want) {
			t.Errorf("slot %d opens at %v, want %v", i, at.Sub(start), want.Sub(start))
		}
	}
	if len(opens) != 10 {
		t.Errorf("%d slots, want 10", len(opens))
	}
}
