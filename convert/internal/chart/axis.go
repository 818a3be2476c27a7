package chart

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// axis sets up an axis from zero to its last tick.
func (f fonts) axis(drawn *plot.Axis, a Axis, largest float64) {
	marks := a.ticks(largest)
	drawn.Min, drawn.Max = 0, marks[len(marks)-1].Value
	drawn.Tick.Marker = marks
	drawn.Padding = 0
	drawn.Width, drawn.Tick.Width, drawn.Tick.Length = 1, 1, 5
	x, y := drawn.Tick.Label.XAlign, drawn.Tick.Label.YAlign
	drawn.Tick.Label = f.style(tickSize)
	drawn.Tick.Label.XAlign, drawn.Tick.Label.YAlign = x, y
	drawn.Label.Text, drawn.Label.Padding = a.Label, 6
	drawn.Label.TextStyle = f.fitting(a.Label, axisSize, panelHeight*3/4)
	drawn.Label.TextStyle.XAlign, drawn.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
}

// ticks returns at most seven ticks at round numbers from zero on. The last tick is at the end of the axis if one is
// given, else a little above the largest value, because a line along the upper edge would look cut off.
func (a Axis) ticks(largest float64) plot.ConstantTicks {
	room := 1.01
	if largest <= a.End && a.End > 0 {
		largest, room = a.End, 1
	}
	if largest < 1e-9 { // nothing in a report is measured so finely: it is zero
		largest = 1
	}
	step, decimals := roundStep(largest / 5)
	if a.Whole && step < 1 {
		step, decimals = 1, 0
	}
	count := int(math.Ceil(largest*room/step - 1e-9))
	marks := make(plot.ConstantTicks, count+1)
	for i := range marks {
		v := float64(i) * step
		marks[i] = plot.Tick{Value: v, Label: tickLabel(v, float64(count)*step, decimals)}
	}
	return marks
}

// roundStep returns the smallest of …, 1, 2, 2.5, 5, 10, … that is not below least, and its number of decimals.
func roundStep(least float64) (step float64, decimals int) {
	exponent := int(math.Floor(math.Log10(least)))
	for _, digit := range []float64{1, 2, 2.5, 5} {
		if step = digit * math.Pow10(exponent); step >= least*(1-1e-9) {
			if digit == 2.5 {
				exponent--
			}
			return step, max(0, -exponent)
		}
	}
	return math.Pow10(exponent + 1), max(0, -exponent-1)
}

// tickLabel formats a value of an axis that ends at top, in thousands or more where many zeros would be hard to count.
func tickLabel(v, top float64, decimals int) string {
	if v == 0 {
		return "0"
	}
	if decimals > 4 {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	for _, unit := range []struct {
		least, size float64
		letter      string
	}{{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e5, 1e3, "k"}} {
		if top >= unit.least {
			return strconv.FormatFloat(v/unit.size, 'f', -1, 64) + unit.letter
		}
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// palette is Okabe and Ito's with grey instead of black and yellow: colours that people who cannot tell red from green
// can distinguish.
var palette = [...]color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
	{0x55, 0x55, 0x55, 0xff},
}

// shapes are filled, because thin shapes are hard to see from afar. Three shapes and seven colours make 21 looks.
var shapes = [...]draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}}

func lineOf(look int) draw.LineStyle {
	return draw.LineStyle{Color: palette[look%len(palette)], Width: 2}
}

func markerOf(look int) draw.GlyphStyle {
	return draw.GlyphStyle{Color: palette[look%len(palette)], Radius: 5, Shape: shapes[look%len(shapes)]}
}
