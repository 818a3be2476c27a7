package selftest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestParseLevels(t *testing.T) {
	t.Parallel()
	list, err := ParseLevels("1x50, 100x0.5")
	if err != nil || len(list) != 2 || list[0] != (Level{1, 50}) || list[1] != (Level{100, 0.5}) {
		t.Errorf("got %v, %v", list, err)
	}
	for _, text := range []string{"", "x", "5", "0x5", "5x0", "5x-1", "5xNaN", "1e9x1", "5x5,", "200000x5"} {
		if list, err := ParseLevels(text); err == nil || !strings.Contains(err.Error(), "--levels: ") {
			t.Errorf("%q: got %v, %v", text, list, err)
		}
	}
}

// No system has the ports for so many streams.
func TestLevelsThatAreLeftOut(t *testing.T) {
	t.Parallel()
	if host.ReadLimits().Ports == 0 {
		testenv.Skip(t, "a system that tells its number of ports", "use Linux")
	}
	m, err := Level{1 << 20, 1}.Measure(t.Context(), time.Second)
	if err != nil || m.Streams != 1<<20 || m.LeftOut == "" {
		t.Errorf("got %+v, %v; want a level that is left out", m, err)
	}
}

func TestTrustedUpTo(t *testing.T) {
	t.Parallel()
	all := []Measured{
		{Streams: 1, TokensPerSec: 50, Trusted: true}, {Streams: 100, TokensPerSec: 20, Trusted: true,
			Errors: Errors{First: Spread{P50: 0.25, P99: 1.5, Max: 3}}},
		{Streams: 200, TokensPerSec: 5, Trusted: true}, {Streams: 50, TokensPerSec: 20, Trusted: true},
		{Streams: 1000, TokensPerSec: 20}, {Streams: 1 << 20, TokensPerSec: 1, LeftOut: "too few files"},
	}
	var table, text bytes.Buffer
	if err := WriteTable(&table, all); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"trust it up to 2000 tokens/s of 100 streams, or 1000 tokens/s of 200 streams (p99",
		"0.25  1.50  3.0", "left out\n", "\nleft out: too few files\n"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, table.String())
		}
	}
	if err := WriteJSON(&text, all); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Levels []struct{ Streams int }
		UpTo   []extent `json:"trusted_up_to"`
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || len(got.Levels) != 6 ||
		!slices.Equal(got.UpTo, []extent{{100, 2000}, {200, 1000}}) {
		t.Errorf("got %+v, %v from\n%s", got, err, text.String())
	}
	table.Reset()
	if err := WriteTable(&table, all[4:5]); err != nil || !strings.Contains(table.String(), "do not trust") {
		t.Errorf("%v\n%s", err, table.String())
	}
}
