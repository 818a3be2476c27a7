package page

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// A closed loop sends in bunches when answers end, so no rate of sending is told and none is compared.
func TestClosedLoopsHaveNoSentRate(t *testing.T) {
	t.Parallel()
	const closed = `{"load_summary": {"count": 9, "concurrency": 4}, "xk6_llm": {"requests": {"sent_rate": 5}}}`
	const open = `{"load_summary": {"count": 9}, "xk6_llm": {"requests": {"sent_rate": 5}, "load": {"asked_rate": 5}}}`
	for _, tt := range []struct {
		docs                []string
		sent, server, loops bool
	}{
		{[]string{closed}, false, false, true},
		{[]string{open}, true, true, false},
		{[]string{open, closed}, true, true, true},
	} {
		run := Run{Name: "r", summary: gjson.Parse("{}")}
		for i, doc := range tt.docs {
			run.stages = append(run.stages, part{index: i, name: "stage", doc: gjson.Parse(doc)})
		}
		sent := false
		for _, c := range glance([]Run{run}).Head {
			sent = sent || c.Name == "sent"
		}
		note := ratesNote([]Run{run})
		if sent != tt.sent || strings.Contains(note, "the server does not") != tt.server ||
			strings.Contains(note, "closed loop") != tt.loops {
			t.Errorf("%q: a column sent: %t; %q", tt.docs, sent, note)
		}
	}
}

// The page names the rules that the verdict does not rest on, as the terminal does.
func TestHeadNamesWhatWasNotChecked(t *testing.T) {
	t.Parallel()
	runs := []Run{{summary: gjson.Parse(`{"xk6_llm": {"client_health": {"verdict": "VALID", "not_checked": ["rate"]}}}`)}}
	if got := heads(runs)[0].Word; !strings.HasSuffix(got, "(not checked, for the input does not tell: rate)") {
		t.Errorf("got %q", got)
	}
}
