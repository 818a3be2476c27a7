// Package gate decides what a run must keep, with three answers: the interval of what was measured keeps the bound,
// breaks it, or holds it. It also tells what a gate could have seen, and how many requests would decide it. It is pure
// computation.
package gate

// Status is the answer of a gate.
type Status string

// The answers. Inconclusive means that the bound lies within the interval, or that there were too few requests for one.
const (
	Pass         Status = "PASS"
	Fail         Status = "FAIL"
	Inconclusive Status = "INCONCLUSIVE"
)

// Level is the confidence of gates together: it bounds by 5 % the chance that any of them gives a wrong answer.
const Level = 0.95

// Power is the chance with which a gate is said to see a change.
const Power = 0.8

// Answer is the answer of a gate, and the level of the interval that gave it.
type Answer struct {
	Status Status
	Level  float64
}

// Decide asks gates together, each for its answer by its interval at a level. All answers but Inconclusive are right
// together with the given confidence: of k gates each is asked at the k-th part of the error, those that have an answer
// leave, and the others are asked again as so many fewer. This is Holm's method (Scandinavian Journal of Statistics 6,
// 1979), with intervals in place of p-values.
func Decide(level float64, gates []func(level float64) Status) []Answer {
	out := make([]Answer, len(gates))
	left := make([]int, len(gates))
	for i := range left {
		left[i] = i
	}
	for len(left) > 0 {
		at := 1 - (1-level)/float64(len(left))
		var open []int
		for _, i := range left {
			out[i] = Answer{gates[i](at), at}
			if out[i].Status == Inconclusive {
				open = append(open, i)
			}
		}
		if len(open) == len(left) {
			break
		}
		left = open
	}
	return out
}

// Worst returns the answer of gates together: Fail if one fails, else Inconclusive if one is, else Pass.
func Worst(list ...Status) Status {
	worst := Pass
	for _, s := range list {
		if s == Fail || s == Inconclusive && worst == Pass {
			worst = s
		}
	}
	return worst
}
