package run

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// checkTogether returns an error unless the inputs are all instances of one run, each given once.
func checkTogether(r *Run) error {
	if err := checkOneRun(r); err != nil {
		return err
	}
	return errors.Join(checkSegments(r), checkDuplicates(r), checkSessions(r), checkSearches(r))
}

// checkOneRun refuses inputs of different runs.
func checkOneRun(r *Run) error {
	for _, run := range r.Runs {
		first := r.Runs[0]
		switch {
		case run.ID != first.ID:
			return fmt.Errorf("the inputs are of different runs, %q and %q", first.ID, run.ID)
		case !reflect.DeepEqual(run.Scenarios, first.Scenarios):
			return fmt.Errorf("instances %q and %q of run %q had different scenarios", first.Instance, run.Instance,
				run.ID)
		case run.SegmentSequence != first.SegmentSequence:
			return fmt.Errorf("instances %q and %q of run %q had different segment sequences, %q and %q",
				first.Instance, run.Instance, run.ID, first.SegmentSequence, run.SegmentSequence)
		}
	}
	return nil
}

// segment is the part of the whole test that one instance ran.
type segment struct {
	from, to *big.Rat
	instance string
}

// checkSegments refuses segments that overlap or leave out a part of the test.
func checkSegments(r *Run) error {
	if len(r.Runs) == 0 {
		return nil // k6's JSON of an older version
	}
	var segments []segment
	for _, run := range r.Runs {
		s, err := parseSegment(run)
		if err != nil {
			return err
		}
		segments = append(segments, s)
	}
	slices.SortStableFunc(segments, func(a, b segment) int { return cmp.Or(a.from.Cmp(b.from), a.to.Cmp(b.to)) })
	at := new(big.Rat)
	for _, s := range segments {
		switch s.from.Cmp(at) {
		case 1:
			return fmt.Errorf("the instance of segment %s:%s is missing", at.RatString(), s.from.RatString())
		case -1:
			return fmt.Errorf(
				"instance %q has segment %s:%s, of which another has a part: was the same run given twice?", s.instance,
				s.from.RatString(), s.to.RatString())
		}
		at = s.to
	}
	if at.Cmp(big.NewRat(1, 1)) != 0 {
		return fmt.Errorf("the instance of segment %s:1 is missing", at.RatString())
	}
	return nil
}

func parseSegment(run *record.Run) (segment, error) {
	if run.Segment == "" {
		return segment{new(big.Rat), big.NewRat(1, 1), run.Instance}, nil
	}
	low, high, ok := strings.Cut(run.Segment, ":")
	from, okFrom := new(big.Rat).SetString(low)
	to, okTo := new(big.Rat).SetString(high)
	if !ok || !okFrom || !okTo || from.Sign() < 0 || from.Cmp(to) >= 0 {
		return segment{}, fmt.Errorf("instance %q: %q is not a segment such as 0:1/3", run.Instance, run.Segment)
	}
	return segment{from, to, run.Instance}, nil
}

// checkDuplicates refuses a run that holds a request twice.
func checkDuplicates(r *Run) error {
	list := slices.Clone(r.Requests)
	identity := func(a, b *Request) int {
		return cmp.Or(cmp.Compare(a.Scenario, b.Scenario), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Seq, b.Seq))
	}
	slices.SortFunc(list, identity)
	for i := 1; i < len(list); i++ {
		if a, b := list[i-1], list[i]; identity(a, b) == 0 {
			return fmt.Errorf("request %d.%d of scenario %q is there twice (instances %q and %q): was the same run "+
				"given in two forms?", a.Index, a.Seq, a.Scenario, a.Instance, b.Instance)
		}
	}
	return nil
}
