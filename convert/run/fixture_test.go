package run

import (
	"bytes"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

const second = runtest.Second

// runOf returns a run that holds only requests.
func runOf(t *testing.T, requests ...*record.Request) *Run {
	t.Helper()
	made := Instance{Name: "i"}
	for i, r := range requests {
		numbered := *r // the same record may be given several times
		numbered.Index = int64(i)
		made.Lines = append(made.Lines, &numbered)
	}
	run, err := FromLines(Options{}, made)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// readBytes reads a file held in memory.
func readBytes(t *testing.T, file []byte) *Run {
	t.Helper()
	run, err := Read(Options{}, Source{"f", bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	return run
}
