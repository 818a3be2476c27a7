package page

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/runtest"
)

// mediaRun returns the run of [runtest.MediaLines]: chats about media in stage 0, all other APIs in stage 1.
func mediaRun(t *testing.T) Run {
	t.Helper()
	run, err := FromReport("run", reportOn(t, runtest.Records(t, runtest.MediaLines())))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// valueOf returns a value of a row, by the name and the unit of its column.
func valueOf(t *testing.T, tables []*table, id string, line int, head string) string {
	t.Helper()
	for _, each := range tables {
		at := slices.IndexFunc(each.Head, func(c column) bool { return strings.TrimSpace(c.Name+" "+c.Unit) == head })
		if each.ID == id && at > 0 && line < len(each.Rows) {
			return each.Rows[line].Cells[at-1].Text
		}
	}
	t.Fatalf("no table %s with a column %q and a row %d", id, head, line)
	return ""
}

func TestMediaTables(t *testing.T) {
	t.Parallel()
	tables := mediaTables([]Run{mediaRun(t)})
	for _, tt := range []struct {
		id   string
		row  int
		head string
		want string
	}{
		{"media-speech", 0, "First audio p50, ms", "150"}, {"media-speech", 0, "RTF p50", "0.600"},
		{"media-speech", 0, "Continuous", "100 %"}, {"media-speech", 0, "Missing p99, ms", "0"},
		{"media-transcription", 0, "RTFx p50", "8.00"},
		{"media-transcription", 0, "Upload p50, ms", "2.00"}, {"media-transcription", 0, "First text p50, ms", "200"},
		{"media-image", 0, "Per picture p50, s", "1.50"}, {"media-image", 0, "Server p50, s", "2.50"},
		{"media-video", 0, "Generation p99, s", "9.00"}, {"media-video", 0, "Bound max, ms", "1\u202f000"},
		{"media-video", 0, "RTF p50", "4.50"}, {"media-video", 0, "Download p50, ms", "40.0"},
		{"media-media", 0, "Sending p50, ms", "3.00"}, {"media-media", 0, "Estimate tokens each", "417"},
		{"media-media", 0, "Body p50, MB", "0.800"},
	} {
		if got := valueOf(t, tables, tt.id, tt.row, tt.head); got != tt.want {
			t.Errorf("%s, row %d, %q: got %s, want %s", tt.id, tt.row, tt.head, got, tt.want)
		}
	}
	for _, each := range tables {
		for _, line := range each.Rows {
			if len(line.Cells) != len(each.Head)-1 {
				t.Errorf("%s: %d cells under %d heads", each.ID, len(line.Cells), len(each.Head)-1)
			}
		}
		if last := each.Rows[len(each.Rows)-1]; last.Name != wholeRun {
			t.Errorf("%s: the last row is of %s", each.ID, last.Name)
		}
	}
	both := mediaTables([]Run{{Name: "none"}, mediaRun(t)})
	if line := both[0].Rows[0]; line.Name != "run, stage 1" || line.Run != 1 {
		t.Errorf("of two runs: got the row %q in the colour of run %d", line.Name, line.Run)
	}
	if list := mediaTables([]Run{runOf(t, "text", load{rates: []float64{2, 4}, each: 6})}); list != nil {
		t.Errorf("a run of text has the tables %+v", list)
	}
}

// Files of transcriptions have their sending in the table of these.
func TestMediaOfTranscriptionsHaveOneTable(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]int{"3": 1, "4": 2} {
		run := Run{Name: "r", summary: gjson.Parse(`{"xk6_llm":{"media":{"requests":` + media +
			`,"items":{"audio":3}},"transcription":{"requests":3}}}`)}
		if list := mediaTables([]Run{run}); len(list) != want {
			t.Errorf("media in %s requests, 3 of them transcriptions: got %d tables, want %d", media, len(list), want)
		}
	}
}

// What a listener would notice is marked.
func TestBrokenSpeechIsMarked(t *testing.T) {
	t.Parallel()
	tables := mediaTables([]Run{{Name: "r", summary: gjson.Parse(`{"xk6_llm":{"speech":{"requests":8,"players":[` +
		`{"continuity_ok":0.75,"requests_stalled":2,"longest_stall":{"max":0.24}},{"continuity_ok":1}]}}}`)}})
	row := tables[0].Rows[0].Cells
	got := []string{row[0].Text, row[0].Class, row[1].Text, row[1].Class, row[2].Text, row[3].Text}
	if want := []string{"75.0 %", "n bad", "100 %", "n", "2", "240"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for factor, want := range map[string]string{"0.9": "n", "1.1": "n bad", "null": "n"} {
		block := gjson.Parse(`{"real_time_factor":{"median":` + factor + `}}`)
		f := mediaFigure{path: "real_time_factor", of: middle, show: digits, bad: above1}
		if got := f.cells(block)[0].Class; got != want {
			t.Errorf("a factor of %s: got the class %q, want %q", factor, got, want)
		}
	}
}

// Requests of several kinds of media are compared in sum, those of none not at all.
func TestUsageOfMedia(t *testing.T) {
	t.Parallel()
	f := mediaFigure{path: "tokens.compared.#.by_server / tokens.compared.#.estimated", show: digits}
	for text, want := range map[string]string{
		`[{"by_server":300,"estimated":1},{"by_server":100,"estimated":3}]`: "100", `[]`: missing,
	} {
		if got := f.cells(gjson.Parse(`{"tokens":{"compared":` + text + `}}`))[0].Text; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// First audio has dots over time, and runs without any have no such chart.
func TestFirstAudioOverTime(t *testing.T) {
	t.Parallel()
	run := mediaRun(t)
	dots := run.dots(curves.ofAudio)
	if len(dots.Y) == 0 || slices.Max(dots.Y) != 0.15 {
		t.Errorf("got the dots %+v", dots)
	}
	const id = `id="chart-time-first-audio"`
	if !strings.Contains(written(t, run), id) ||
		strings.Contains(written(t, runOf(t, "text", load{rates: []float64{2}, each: 3})), id) {
		t.Error("the chart must be there for speech alone")
	}
}
