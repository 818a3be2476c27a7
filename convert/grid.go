package convert

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// group is a group of columns of a table, which stay beside each other.
type group struct {
	heads []string
	cells [][]string // of each row
	left  bool       // aligned to the left
}

// empty reports whether no row has a value.
func (g group) empty() bool {
	for _, row := range g.cells {
		for _, cell := range row {
			if cell != noFigure && cell != "0" {
				return false
			}
		}
	}
	return true
}

// differs reports whether the rows have different cells.
func (g group) differs() bool {
	return slices.ContainsFunc(g.cells, func(c []string) bool { return !slices.Equal(c, g.cells[0]) })
}

// noFigure is the cell of a figure that a row does not have.
const noFigure = "-"

// widths returns the width of each column.
func (g group) widths() []int {
	list := make([]int, len(g.heads))
	for c, head := range g.heads {
		list[c] = utf8.RuneCountInString(head)
		for _, row := range g.cells {
			list[c] = max(list[c], utf8.RuneCountInString(row[c]))
		}
	}
	return list
}

// width returns the width of the group with two spaces before each column.
func (g group) width() (n int) {
	for _, w := range g.widths() {
		n += 2 + w
	}
	return n
}

// grid prints a table of rows with their labels. Groups without a value are left out. Groups that do not fit the screen
// follow in further tables.
func (t *table) grid(label string, labels []string, groups []group) {
	first := group{heads: []string{label}, left: true}
	for _, l := range labels {
		first.cells = append(first.cells, []string{shortened(plain.Terminal(l))})
	}
	var blocks [][]group
	room := []int{}
	for _, g := range groups {
		if g.empty() {
			continue
		}
		at := len(blocks) - 1
		if g.left { // the order of the others is kept
			at = slices.IndexFunc(room, func(n int) bool { return n >= g.width() })
		}
		if at < 0 || room[at] < g.width() {
			at = len(blocks)
			blocks, room = append(blocks, []group{first}), append(room, t.columns-first.width()+2)
		}
		blocks[at], room[at] = append(blocks[at], g), room[at]-g.width()
	}
	for _, b := range blocks {
		t.block(b)
	}
}

// longestLabel is how much of a label a table shows.
const longestLabel = 24

func shortened(label string) string {
	if letters := []rune(label); len(letters) > longestLabel {
		return string(letters[:longestLabel-1]) + "…"
	}
	return label
}

// block prints groups of columns beside each other.
func (t *table) block(groups []group) {
	t.line("")
	rows := len(groups[0].cells)
	for row := -1; row < rows; row++ {
		var line strings.Builder
		for i, g := range groups {
			cells := g.heads
			if row >= 0 {
				cells = g.cells[row]
			}
			for c, w := range g.widths() {
				gap := strings.Repeat(" ", w-utf8.RuneCountInString(cells[c]))
				if i > 0 || c > 0 {
					line.WriteString("  ")
				}
				if g.left {
					line.WriteString(cells[c] + gap)
				} else {
					line.WriteString(gap + cells[c])
				}
			}
		}
		t.line("%s", strings.TrimRight(line.String(), " "))
	}
}
