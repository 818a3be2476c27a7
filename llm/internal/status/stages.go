package status

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// column is a column of the table of stages.
type column struct {
	group, name string
	value       func(*stage) string // "" where there is none
	left        bool                // aligned to the left
	spare       int                 // the columns with the greatest give way first where there is no room; 0 stays
}

// columns returns the columns that the stages fill.
func (s *summaryText) columns() []column {
	load := []column{
		{group: "at a", name: "time", value: atATime}, {group: "per second", name: "asked", value: asked},
	}
	if s.sessions.begun {
		load = []column{
			{group: "sessions", name: "at a time", value: atATime}, {group: "sessions", name: "per s", value: asked},
		}
	} else if s.rest.later { // an iteration is no request
		load[1].group, load[1].name = "iterations", "per s"
	}
	latency := func(group, name string, q float64, spare int, of func(*stage) *histogram) column {
		return column{group: group, name: name, spare: spare, value: func(g *stage) string {
			units := int64(alone)
			if of(g) == &g.figures.itl {
				units = g.figures.ok
			}
			return s.doubted(of(g), q, units, func(d time.Duration) string {
				return threeDigits(float64(d) / float64(time.Millisecond))
			})
		}}
	}
	list := []column{
		{name: "stage", value: func(g *stage) string { return strconv.Itoa(g.Index) }},
		load[0], load[1],
		{group: "per second", name: "sent", spare: 1, value: sentRate},
		{group: "per second", name: "done", value: doneRate},
		{name: "requests", value: func(g *stage) string { return Grouped(g.figures.requests) }},
		{name: "failed", value: func(g *stage) string { return orNothing(g.figures.failed) }},
		{name: "left", value: func(g *stage) string { return orNothing(g.figures.left) }},
		{group: "un-", name: "finished", value: func(g *stage) string { return orNothing(g.figures.unfinished) }},
		latency("TTFT, ms", "p50", 0.5, 0, ttft), latency("TTFT, ms", "p90", 0.9, 2, ttft),
		latency("TTFT, ms", "p99", 0.99, 0, ttft),
		latency("ITL, ms", "p50", 0.5, 3, itl), latency("ITL, ms", "p99", 0.99, 0, itl),
		{group: "output", name: "tok/s", value: func(g *stage) string { return optional(g.figures.throughput()) }},
		{group: "inputs", name: "per s", value: func(g *stage) string { return optional(g.figures.intake()) }},
	}
	for k := range kinds {
		if each := s.rest.made[k]; each.total == each.known && s.rest.madeOf() != several {
			continue // one a request: done per second
		}
		list = append(list, column{group: kinds[k].plural, name: "per s",
			value: func(g *stage) string { return optional(g.figures.output(k)) }})
	}
	if s.severalScenarios() {
		list = append([]column{{name: "scenario", left: true, value: func(g *stage) string {
			return plain.OneLine(g.scenario, longestName)
		}}}, list...)
	}
	return list
}

// longestName bounds the length of a scenario's name in the table.
const longestName = 20

func ttft(g *stage) *histogram { return &g.figures.ttft }
func itl(g *stage) *histogram  { return &g.figures.itl }

// sentRate is of stages with a rate alone, as in the report: those of a closed loop are sent as others end.
func sentRate(g *stage) string {
	if g.closed() {
		return ""
	}
	return optional(g.figures.starts.rate())
}

// doneRate is the report's figure of this name: n ends lie n - 1 intervals apart; in a closed loop, whose requests end
// in bunches, it is their number over the time that they took, and in a ramp their number over its duration.
func doneRate(g *stage) string {
	f := &g.figures
	ramp, changes := g.Ramp()
	switch n := float64(f.ends.n); {
	case changes && ramp.From != ramp.To && n > 0:
		return optional(n/ramp.Seconds, true)
	case g.closed() && n > 0 && f.last > f.starts.first:
		return optional(n/(float64(f.last-f.starts.first)/1e9), true)
	}
	return optional(f.ends.rate())
}

// closed reports whether the stage is a closed loop, whose rate, if it has one, is the most that may begin.
func (s *stage) closed() bool { return s.Concurrency != nil }

func asked(g *stage) string {
	if g.Rate == nil {
		return ""
	}
	return threeDigits(*g.Rate)
}

func atATime(g *stage) string {
	if !g.closed() {
		return ""
	}
	return Grouped(*g.Concurrency)
}

func optional(x float64, known bool) string {
	if !known {
		return ""
	}
	return threeDigits(x)
}

func orNothing(n int64) string {
	if n == 0 {
		return ""
	}
	return Grouped(n)
}

// threeDigits formats a rate, or milliseconds, with three digits, but all of those before the point.
func threeDigits(x float64) string {
	switch {
	case x >= 99.95:
		return Grouped(int64(math.Round(x)))
	case x >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func (s *summaryText) severalScenarios() bool {
	names := map[string]bool{}
	for i := range s.stages {
		names[s.stages[i].scenario] = true
	}
	return len(names) > 1
}

// table writes a row for each stage that sent requests.
func (s *summaryText) table() {
	var rows []*stage
	for i := range s.stages {
		if s.stages[i].figures.requests > 0 {
			rows = append(rows, &s.stages[i])
		}
	}
	t := newTable(s.columns(), rows)
	for t.width() > s.facts.Width && t.giveWay() {
	}
	s.WriteString("\n")
	s.WriteString(t.String())
}

// table is a table of texts.
type table struct {
	columns []column
	cells   [][]string // by column, then by row
	widths  []int
}

// newTable fills the columns, and leaves out those without a value.
func newTable(columns []column, rows []*stage) *table {
	t := new(table)
	for _, c := range columns {
		cells, filled := make([]string, len(rows)), false
		width := utf8.RuneCountInString(c.name)
		for i, row := range rows {
			cells[i] = c.value(row)
			filled = filled || cells[i] != ""
			width = max(width, utf8.RuneCountInString(cells[i]))
		}
		if filled {
			t.columns, t.cells, t.widths = append(t.columns, c), append(t.cells, cells), append(t.widths, width)
		}
	}
	t.fit()
	return t
}

// fit makes the first column of each group as wide as the name of the group demands.
func (t *table) fit() {
	for from := 0; from < len(t.columns); {
		to, width := from, 0
		for ; to < len(t.columns) && (to == from || t.columns[to].group != "" &&
			t.columns[to].group == t.columns[from].group); to++ {
			width += t.widths[to]
			if to > from {
				width++
			}
		}
		t.widths[from] += max(0, utf8.RuneCountInString(t.columns[from].group)-width)
		from = to
	}
}

// gap returns the spaces before a column.
func (t *table) gap(i int) int {
	if i > 0 && t.columns[i].group != "" && t.columns[i].group == t.columns[i-1].group {
		return 1
	}
	return 2
}

func (t *table) width() (sum int) {
	for i, w := range t.widths {
		sum += t.gap(i) + w
	}
	return sum
}

// giveWay takes a spare column out, and returns false if there is none.
func (t *table) giveWay() bool {
	at, most := -1, 0
	for i, c := range t.columns {
		if c.spare > most {
			at, most = i, c.spare
		}
	}
	if at < 0 {
		return false
	}
	t.columns = append(t.columns[:at], t.columns[at+1:]...)
	t.cells = append(t.cells[:at], t.cells[at+1:]...)
	t.widths = append(t.widths[:at], t.widths[at+1:]...)
	t.fit()
	return true
}

// String returns the lines: the groups, the names, the rows.
func (t *table) String() string {
	var b strings.Builder
	t.groups(&b)
	t.line(&b, func(i int) string { return t.columns[i].name })
	for row := range len(t.cells[0]) {
		t.line(&b, func(i int) string {
			if t.cells[i][row] == "" {
				return "-"
			}
			return t.cells[i][row]
		})
	}
	return b.String()
}

// groups writes the name of each group so that it ends with the group's last column.
func (t *table) groups(b *strings.Builder) {
	line, at := "", 0
	for i, c := range t.columns {
		at += t.gap(i) + t.widths[i]
		if c.group == "" || i+1 < len(t.columns) && t.columns[i+1].group == c.group {
			continue
		}
		room := at - utf8.RuneCountInString(line)
		line += fmt.Sprintf("%*s", room, c.group)
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (t *table) line(b *strings.Builder, cell func(i int) string) {
	line := ""
	for i, w := range t.widths {
		pad := w
		if t.columns[i].left {
			pad = -w
		}
		line += fmt.Sprintf("%*s%*s", t.gap(i), "", pad, cell(i))
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
