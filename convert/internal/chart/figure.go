package chart

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Figure is a picture of panels side by side under one title, with one legend below them.
type Figure struct {
	Title  string
	Panels []Panel
	Legend []Entry
}

// Panel is a diagram with linear axes from zero.
type Panel struct {
	Title  string
	X, Y   Axis
	Series []Series
}

// Axis describes the values along one direction of a panel.
type Axis struct {
	Label string  // with the unit
	Whole bool    // values are counts, so that no tick is between two
	End   float64 // where the axis ends unless values are larger, 0 for a little above the largest
}

// Series is a line through points, each with a marker. Look chooses the colour and the shape of the marker: the same
// number looks the same in all panels.
type Series struct {
	Look   int
	Points []Point
}

// Entry is a line of the legend. A name that is too long for the figure loses its beginning, since directories are told
// apart by the ends of their names.
type Entry struct {
	Look int
	Name string
}

// Point is a point of a series. Both values are from zero to [Largest].
type Point struct{ X, Y float64 }

// Largest is the largest value that is drawn. It is above what any load test measures and keeps axes far from overflow.
const Largest = 1e15

// Sizes of a figure. Fonts are large because figures are mostly seen reduced, three panels on a page.
const (
	dotsPerInch = 100
	panelWidth  = 7 * vg.Inch
	panelHeight = 6 * vg.Inch
	entryHeight = 26 * vg.Length(1)
	margin      = 14 * vg.Length(1)

	titleSize, panelSize, axisSize, tickSize = 22, 20, 16, 14
)

// pixels returns the size of a figure with so many panels and entries of its legend.
func pixels(panels, entries int) (width, height vg.Length) {
	return panelWidth * vg.Length(max(1, panels)), panelHeight + entryHeight*vg.Length(entries)
}

// WritePNG draws the figure, 700 by 600 pixels for each panel, and below them 36 for each entry of the legend.
func (f *Figure) WritePNG(w io.Writer) error {
	for _, p := range f.Panels {
		if err := p.check(); err != nil {
			return fmt.Errorf("chart %q: %w", f.Title, err)
		}
	}
	width, height := pixels(len(f.Panels), len(f.Legend))
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
	canvas := draw.Crop(draw.New(img), margin, -margin, margin, -margin)
	fonts := newFonts()
	canvas = fonts.title(canvas, f.Title)
	canvas = fonts.legend(canvas, f.Legend)
	if err := f.panels(canvas, fonts); err != nil {
		return err
	}
	var png bytes.Buffer // the canvas writes small pieces
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&png); err != nil {
		return err
	}
	_, err := png.WriteTo(w)
	return err
}

func (p *Panel) check() error {
	for _, s := range p.Series {
		for _, at := range s.Points {
			if !drawable(at.X) || !drawable(at.Y) {
				return fmt.Errorf("panel %q: the point (%v, %v) is not within 0 and %v", p.Title, at.X, at.Y, Largest)
			}
		}
	}
	return nil
}

// drawable reports whether a value can be drawn; NaN cannot.
func drawable(v float64) bool { return v >= 0 && v <= Largest }

// panels draws the panels into equal parts of a canvas, with diagrams of equal size.
func (f *Figure) panels(canvas draw.Canvas, fonts fonts) error {
	if len(f.Panels) == 0 {
		return nil
	}
	plots := make([]*plot.Plot, len(f.Panels))
	for i, p := range f.Panels {
		var err error
		if plots[i], err = p.plot(fonts); err != nil {
			return fmt.Errorf("chart %q: panel %q: %w", f.Title, p.Title, err)
		}
	}
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: 2 * margin}
	below := draw.Crop(canvas, 0, 0, 0, -1.8*panelSize)
	for i, part := range plot.Align([][]*plot.Plot{plots}, tiles, below)[0] {
		style := fonts.fitting(f.Panels[i].Title, panelSize, panelWidth-6*margin)
		style.XAlign, style.YAlign = draw.XCenter, draw.YTop
		diagram := plots[i].DataCanvas(part) // without the axes, beside which a title in the middle would look amiss
		canvas.FillText(style, vg.Point{X: diagram.Center().X, Y: canvas.Max.Y}, f.Panels[i].Title)
		plots[i].Draw(part)
	}
	return nil
}

func (p *Panel) plot(fonts fonts) (*plot.Plot, error) {
	drawn := plot.New()
	drawn.TextHandler = fonts.handler
	var largest Point
	for _, s := range p.Series {
		for _, at := range s.Points {
			largest = Point{max(largest.X, at.X), max(largest.Y, at.Y)}
		}
	}
	fonts.axis(&drawn.X, p.X, largest.X)
	fonts.axis(&drawn.Y, p.Y, largest.Y)
	grid := plotter.NewGrid()
	grid.Vertical = draw.LineStyle{Color: color.Gray{216}, Width: 1}
	grid.Horizontal = grid.Vertical
	drawn.Add(grid)
	for _, s := range p.Series {
		if err := s.add(drawn); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

// add adds the line and the markers of a series, in order of X.
func (s *Series) add(drawn *plot.Plot) error {
	if len(s.Points) == 0 {
		return nil
	}
	points := make(plotter.XYs, len(s.Points))
	for i, at := range s.Points {
		points[i] = plotter.XY(at)
	}
	slices.SortStableFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	line, markers, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.LineStyle, markers.GlyphStyle = lineOf(s.Look), markerOf(s.Look)
	drawn.Add(unpadded{line}, unpadded{markers})
	return nil
}

// unpadded is a plotter that the axes leave no margin for: markers may stand on the axes, but the axes must meet at
// zero.
type unpadded struct{ plot.Plotter }

// fonts holds the typefaces of a figure's texts. They are part of the program, so figures look the same on all
// machines.
type fonts struct {
	handler text.Handler
	face    font.Font
}

func newFonts() fonts {
	face := font.Font{Typeface: "Liberation", Variant: "Sans"}
	return fonts{text.Plain{Fonts: font.NewCache(liberation.Collection())}, face}
}

// style returns a text style of a size in points.
func (f fonts) style(size vg.Length) text.Style {
	return text.Style{Color: color.Black, Font: font.From(f.face, size), Handler: f.handler}
}

// fitting returns a style of the size given, or of a smaller size in which the text is not wider than width.
func (f fonts) fitting(txt string, size, width vg.Length) text.Style {
	style := f.style(size)
	if w := style.Width(txt); w > width {
		style = f.style(size * width / w)
	}
	return style
}

// title writes the title and returns the rest of the canvas.
func (f fonts) title(c draw.Canvas, title string) draw.Canvas {
	style := f.fitting(title, titleSize, c.Max.X-c.Min.X)
	style.XAlign, style.YAlign = draw.XCenter, draw.YTop
	c.FillText(style, vg.Point{X: c.Center().X, Y: c.Max.Y}, title)
	return draw.Crop(c, 0, 0, 0, -2*titleSize)
}

// legend writes the entries at the bottom, where they hide nothing, and returns the rest of the canvas.
func (f fonts) legend(c draw.Canvas, entries []Entry) draw.Canvas {
	const sample = 44 // length of the line beside a name
	style := f.style(axisSize)
	style.YAlign = draw.YCenter
	for i, e := range entries {
		y := c.Min.Y + entryHeight*(vg.Length(len(entries)-i)-0.5)
		c.StrokeLine2(lineOf(e.Look), c.Min.X, y, c.Min.X+sample, y)
		c.DrawGlyph(markerOf(e.Look), vg.Point{X: c.Min.X + sample/2, Y: y})
		left := c.Min.X + sample + margin
		c.FillText(style, vg.Point{X: left, Y: y + style.FontExtents().Descent/2},
			shortened(e.Name, func(s string) bool { return style.Width(s) <= c.Max.X-left }))
	}
	return draw.Crop(c, 0, 0, entryHeight*vg.Length(len(entries))+margin/2, 0)
}

// shortened removes characters from the beginning of a text until it fits, but keeps a short label before a colon.
func shortened(txt string, fits func(string) bool) string {
	if fits(txt) {
		return txt
	}
	head, tail := "", []rune(txt)
	if i := slices.Index(tail, ':'); i >= 0 && i < 16 {
		head, tail = string(tail[:i+1])+" ", tail[i+1:]
	}
	for len(tail) > 1 && !fits(head+"…"+string(tail)) {
		tail = tail[1:]
	}
	return head + "…" + string(tail)
}
