package compare

import (
	"fmt"
	"testing"
)

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := usual(n)
			p.phi, p.poisson, p.failureRate = 0.7, true, 0.01
			base, fresh := p.run(1), p.run(2)
			for b.Loop() {
				if _, err := Compare(base, fresh, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
