package page

import (
	"encoding/json"
	"html/template"
	"math"
	"strconv"
)

// chart is one chart as the script of the page draws it.
type chart struct {
	ID     string   `json:"id"`
	Title  string   `json:"-"`
	Note   string   `json:"-"`
	X      axis     `json:"x"`
	Y      axis     `json:"y"`
	Series []series `json:"series"`
	Marks  []mark   `json:"marks,omitempty"`
	Labels []string `json:"labels,omitempty"` // of whole numbers of x, in place of the numbers

	wide bool
}

type axis struct {
	Label string  `json:"label"`
	Log   bool    `json:"log,omitempty"`
	Max   float64 `json:"max,omitempty"` // where the axis ends, 0: with its data
}

// series is one line, or one cloud of dots, of a chart.
type series struct {
	Name string    `json:"name"`
	Run  int       `json:"run"`
	Role int       `json:"role"` // colour, or dashes where runs have the colours
	Kind string    `json:"kind"` // line, steps, dots, or path: a line from point to point in their own order
	X    []rounded `json:"xs"`
	Y    []rounded `json:"ys"`
	Hide bool      `json:"hide,omitempty"` // until its name is clicked
	Tags []string  `json:"tags,omitempty"` // texts at the points of a path
}

// mark is a line across a chart, or where both X and Y are there a ring around a point.
type mark struct {
	X    *rounded `json:"xat,omitempty"`
	Y    *rounded `json:"yat,omitempty"`
	Text string   `json:"text"`
	Run  int      `json:"run"` // -1: of all
}

// rounded is a number with six digits in JSON, and null if it is none: more nobody sees, and they make the page large.
type rounded float64

// MarshalJSON writes the number.
func (r rounded) MarshalJSON() ([]byte, error) {
	if v := float64(r); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.AppendFloat(nil, v, 'g', 6, 64), nil
	}
	return []byte("null"), nil
}

// scaled gives the numbers times a factor.
func scaled(values []float64, factor float64) []rounded {
	out := make([]rounded, len(values))
	for i, v := range values {
		out[i] = rounded(v * factor)
	}
	return out
}

// line makes a series of points whose y are seconds, shown as milliseconds.
func line(name string, run, role int, kind string, p xy) series {
	return series{Name: name, Run: run, Role: role, Kind: kind, X: scaled(p.X, 1), Y: scaled(p.Y, 1000)}
}

// known says whether a series has a number to show.
func (s series) known() bool {
	for _, y := range s.Y {
		if !math.IsNaN(float64(y)) {
			return true
		}
	}
	return false
}

// add adds a series, unless there is nothing in it.
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

// figureBox is the place of a chart in the page.
type figureBox struct {
	ID, Title, Note string
	Wide            bool
}

// chartGroup is a section before its charts are placed.
type chartGroup struct {
	title, note string
	charts      []chart
}

// chartsOf makes all charts that the runs have something for.
func chartsOf(runs []Run) (groups []chartGroup) {
	for _, g := range []chartGroup{byRate(runs), byStage(runs), overTime(runs), distributions(runs)} {
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
		s := section{Title: g.title, Note: g.note, Columns: 3}
		if len(g.charts)%3 != 0 {
			s.Columns = 4
		}
		for _, c := range g.charts {
			s.Charts = append(s.Charts, figureBox{c.ID, c.Title, c.Note, c.wide})
		}
		list = append(list, s)
	}
	return list
}

// chartData are the charts for the script. No < is left in it, so that no text of it ends the script.
func chartData(runs []Run, groups []chartGroup) (template.JS, error) {
	data := struct {
		Runs   []string `json:"runs"`
		Charts []chart  `json:"charts"`
	}{Charts: []chart{}}
	for _, r := range runs {
		data.Runs = append(data.Runs, r.Name)
	}
	for _, g := range groups {
		data.Charts = append(data.Charts, g.charts...)
	}
	text, err := json.Marshal(data) // escapes <, > and &
	return template.JS(text), err   // JSON, in which nothing ends the script
}
