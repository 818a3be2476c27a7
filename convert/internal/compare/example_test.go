package compare_test

import (
	"fmt"
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/compare"
)

func ExampleCompare() {
	side := func(name string, ttft float64) compare.Side {
		s := compare.Side{Name: name, Seconds: 100}
		for i := range 1000 {
			at, wave := float64(i)/10, 0.1*math.Sin(float64(i*i))
			s.Requests = append(s.Requests, compare.Request{Start: at, End: at + 1, TTFT: ttft * (1 + wave), Latency: 1,
				TPOT: math.NaN(), NTPOT: math.NaN(), ITL: math.NaN(), ScheduleDelay: math.NaN()})
		}
		return s
	}
	gates, err := compare.ParseGates("mean(ttft)>+5%,failures>1%")
	if err != nil {
		panic(err)
	}
	r, err := compare.Compare(side("main", 0.5), side("feature", 0.6), compare.Options{Gates: gates})
	if err != nil {
		panic(err)
	}
	for _, g := range r.Gates {
		fmt.Println(g.Expression, g.Status)
	}
	fmt.Println(r.Verdict, r.Passed)
	// Output:
	// mean(ttft)>+5% FAIL
	// failures>1% PASS
	// worse false
}
