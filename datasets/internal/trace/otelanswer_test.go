package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A finder finds the texts that strings.Contains finds, whatever they share with one another.
func TestFinder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func(most int) string {
		b := make([]byte, rng.IntN(most+1))
		for i := range b {
			b[i] = "ab"[rng.IntN(2)]
		}
		return string(b)
	}
	for range 300 {
		f := newFinder()
		for range 20 {
			f.add(text(2 * stemBytes))
		}
		for range 5 {
			message := text(60)
			has := f.in(message)
			slices.Sort(has)
			var want []int
			for n, part := range f.texts {
				if strings.Contains(message, part) {
					want = append(want, n)
				}
			}
			if !slices.Equal(has, want) {
				t.Fatalf("%q has of %q the texts %v, want %v", message, f.texts, has, want)
			}
		}
	}
}

// A long session whose answers never come back is read in a moment: all of them are looked for in each prompt.
func TestLongSessionOfLostAnswers(t *testing.T) {
	const calls = 1000
	list := make([]recorded, calls)
	var said []*remark
	for i := range list {
		text := strings.Repeat(fmt.Sprintf("this is what was said in turn %d, ", i), 10)
		said = append(said, &remark{role: "assistant", text: text})
		parts := []piece{{text: text + "here"}, {text: fmt.Sprintf("tool %d", i), tool: true}}
		list[i] = recorded{order: int64(i), start: int64(2 * i), end: int64(2*i + 1), messages: said[: i+1 : i+1],
			answer: &answer{text: text + "there", ids: []string{fmt.Sprint(i)}, parts: parts}}
	}
	begin := time.Now()
	g := newGraph(list)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if last := g.links[calls-1]; len(last) != 1 || last[0] != (edge{calls - 2, temporal, none}) {
		t.Errorf("got the links %v of the last call", last)
	}
}
