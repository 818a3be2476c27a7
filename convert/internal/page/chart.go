package page

import (
	"encoding/json"
	"html/template"
	"math"
	"strconv"
)

// chart is the data of one chart, as the page's script reads it.
type chart struct {
	ID     string   `json:"id"`
	Title  string   `json:"-"`
	Note   string   `json:"-"`
	X      axis     `json:"x"`
	Y      axis     `json:"y"`
	Series []series `json:"series"`
	Marks  []mark   `json:"marks,omitempty"`
	Labels []string `json:"labels,omitempty"` // labels of the whole numbers of x, in place of the numbers
	Spans  []span   `json:"spans,omitempty"`  // stages along x, for the values at the pointer
	Bands  []band   `json:"bands,omitempty"`

	wide bool
}

type axis struct {
	Label string  `json:"label"`
	Unit  string  `json:"unit,omitempty"` // stands after a value at the pointer
	Log   bool    `json:"log,omitempty"`
	Fit   bool    `json:"fit,omitempty"` // a logarithmic axis ends at the data, not at powers of ten
	Max   float64 `json:"max,omitempty"` // end of the axis; 0 means the largest value
}

// series is one line, or one set of dots, of a chart.
type series struct {
	Name string `json:"name"`
	Run  int    `json:"run"`
	Role int    `json:"role"` // selects the colour, or the dashes if colours stand for runs
	// "line", "steps", "dots", or "path", which joins the points in their order in the series
	Kind  string    `json:"kind"`
	X     []rounded `json:"xs"`
	Y     []rounded `json:"ys"`
	Hide  bool      `json:"hide,omitempty"`  // hides the series until a click on its name
	Tags  []string  `json:"tags,omitempty"`  // texts at the points of a path
	Names []string  `json:"names,omitempty"` // names of the points: their stages and loads
	Low   []rounded `json:"lows,omitempty"`  // lower and upper ends of the bars at the points
	High  []rounded `json:"highs,omitempty"`
}

// band is a part of a chart between two values of x.
type band struct {
	From rounded `json:"from"`
	To   rounded `json:"to"`
	Weak bool    `json:"weak,omitempty"`
	Grey bool    `json:"grey,omitempty"` // it is no answer, but what is set aside
}

// span is a stage that begins at a value of x.
type span struct {
	From rounded `json:"from"`
	Name string  `json:"name"`
}

// mark is a line across a chart, or a ring around a point if both X and Y are set.
type mark struct {
	X    *rounded `json:"xat,omitempty"`
	Y    *rounded `json:"yat,omitempty"`
	Text string   `json:"text"`
	Run  int      `json:"run"` // -1 means all runs
	// Side is where the text of a line stands: left or right of a line at X, halfway up, and at the end of a line at Y;
	// "" means at the top right of the former and at the left end of the latter.
	Side string `json:"side,omitempty"`
	// Event is whether the line at X is something that happened, whose text stands at the bottom.
	Event bool `json:"event,omitempty"`
}

// rounded is a number that has six digits in JSON: more are invisible in a chart and make the page larger. NaN is null
// in JSON.
type rounded float64

// MarshalJSON writes the number.
func (r rounded) MarshalJSON() ([]byte, error) {
	if v := float64(r); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.AppendFloat(nil, v, 'g', 6, 64), nil
	}
	return []byte("null"), nil
}

// scaled returns the numbers times a factor.
func scaled(values []float64, factor float64) []rounded {
	out := make([]rounded, len(values))
	for i, v := range values {
		out[i] = rounded(v * factor)
	}
	return out
}

// line returns a series with y in milliseconds, given y in seconds.
func line(name string, run, role int, kind string, p xy) series {
	return series{Name: name, Run: run, Role: role, Kind: kind, X: scaled(p.X, 1), Y: scaled(p.Y, 1000)}
}

// known reports whether a series has a number to show.
func (s series) known() bool {
	for _, y := range s.Y {
		if !math.IsNaN(float64(y)) {
			return true
		}
	}
	return false
}

// add adds a series unless it is empty.
func (c *chart) add(s series) {
	if s.known() {
		c.Series = append(c.Series, s)
	}
}

// section is a group of charts under a heading.
type section struct {
	Title, Note string
	Columns     int
	Charts      []figureBox
}

// figureBox is the box of a chart in the page.
type figureBox struct {
	ID, Title, Note string
	Wide            bool
}

// chartGroup is a section whose charts have no boxes yet.
type chartGroup struct {
	title, note string
	charts      []chart
}

// chartsOf returns all charts for which the runs have data.
func chartsOf(runs []Run) (groups []chartGroup) {
	all := append([]chartGroup{overProbes(runs), overLoad(runs)}, overLoadBy(runs)...)
	for _, g := range append(all, overTime(runs), distributions(runs)) {
		drawn := g
		drawn.charts = nil
		for _, c := range g.charts {
			if len(c.Series) > 0 {
				drawn.charts = append(drawn.charts, c)
			}
		}
		if drawn.charts != nil || g.note != "" {
			groups = append(groups, drawn)
		}
	}
	return groups
}

func sections(groups []chartGroup) (list []section) {
	for _, g := range groups {
		s := section{Title: g.title, Note: g.note, Columns: columnsFor(len(g.charts))}
		for _, c := range g.charts {
			s.Charts = append(s.Charts, figureBox{c.ID, c.Title, c.Note, c.wide})
		}
		list = append(list, s)
	}
	return list
}

// columnsFor returns the number of columns in which charts leave no empty place, or the fewest.
func columnsFor(charts int) int {
	for _, columns := range []int{3, 4, 2} {
		if charts%columns == 0 {
			return columns
		}
	}
	return 3
}

// chartData returns the charts as JSON for the page's script. It has no <, so that no text in it can end the script
// element.
func chartData(runs []Run, groups []chartGroup, boxes []*lanes) (template.JS, error) {
	data := struct {
		Runs   []string `json:"runs"`
		Charts []chart  `json:"charts"`
		Lanes  []*lanes `json:"lanes,omitempty"`
	}{Charts: []chart{}, Lanes: boxes}
	for _, r := range runs {
		data.Runs = append(data.Runs, r.Name)
	}
	for _, g := range groups {
		data.Charts = append(data.Charts, g.charts...)
	}
	text, err := json.Marshal(data) // escapes <, > and &
	return template.JS(text), err   // cannot end the script element
}
