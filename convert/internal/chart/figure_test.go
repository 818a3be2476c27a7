package chart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func decode(t *testing.T, f Figure) *image.RGBA {
	t.Helper()
	var out bytes.Buffer
	if err := f.WritePNG(&out); err != nil {
		t.Fatalf("%q: %v", f.Title, err)
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatalf("%q: %v", f.Title, err)
	}
	plain, ok := img.(*image.RGBA) // as of all pictures without transparency
	if !ok {
		t.Fatalf("%q: the picture is a %T, want one without transparency", f.Title, img)
	}
	return plain
}

// count counts the pixels of a colour within a rectangle.
func count(img *image.RGBA, within image.Rectangle, c color.RGBA) (n int) {
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			if img.RGBAAt(x, y) == c {
				n++
			}
		}
	}
	return n
}

var white = color.RGBA{0xff, 0xff, 0xff, 0xff}

func TestPicturesOfReports(t *testing.T) {
	t.Parallel()
	for _, dirs := range [][]string{{"testdata/rates"}, {"testdata/concurrent"},
		{"testdata/rates", "testdata/rates", "../../testdata/golden"}} {
		var reports []Report
		for _, dir := range dirs {
			found, _, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, found...)
		}
		charts, _ := Charts(reports...)
		if len(charts) < 3 {
			t.Errorf("%q: %d charts, want at least 3", dirs, len(charts))
		}
		for _, c := range charts {
			img := decode(t, c.Figure)
			panels, entries := len(c.Figure.Panels), len(c.Figure.Legend)
			if got, want := img.Bounds().Max, image.Pt(700*panels, 600+(entries*26*100+36)/72); got.X != want.X ||
				abs(got.Y-want.Y) > 1 {
				t.Errorf("%q: %s is of %v, want %v", dirs, c.File, got, want)
			}
			for i, p := range c.Figure.Panels {
				within := image.Rect(700*i, 0, 700*(i+1), 600)
				last := p.Series[len(p.Series)-1] // which covers the others
				if got, least := count(img, within, palette[last.Look]), 60; got < least {
					t.Errorf("%q: %s: panel %d has %d pixels of its last series, want %d at least", dirs, c.File, i,
						got, least)
				}
				if got := count(img, within, white); got < within.Dx()*within.Dy()/2 {
					t.Errorf("%q: %s: panel %d has %d pixels of background, want half at least", dirs, c.File, i, got)
				}
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestMarkersAreWhereTheValuesAre(t *testing.T) {
	t.Parallel()
	at := func(y float64) int { // the topmost pixel of a marker
		img := decode(t,
			Figure{Panels: []Panel{{X: Axis{End: 10}, Y: Axis{End: 10}, Series: []Series{{0, []Point{{5, y}}}}}}})
		for row := range img.Bounds().Max.Y {
			if count(img, image.Rect(0, row, 700, row+1), palette[0]) > 0 {
				return row
			}
		}
		t.Fatalf("no marker at %v", y)
		return 0
	}
	low, middle, high := at(0), at(5), at(10)
	if low <= middle || middle <= high || abs(low-2*middle+high) > 3 {
		t.Errorf("markers at 0, 5 and 10 begin in rows %d, %d and %d, want equal distances upwards", low, middle, high)
	}
}

func TestOddFigures(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("very long ", 40)
	for _, f := range []Figure{
		{Title: "no panel"},
		{Title: "no point", Panels: []Panel{{Series: []Series{{}}}}},
		{Title: "all zero", Panels: []Panel{{Series: []Series{{0, []Point{{0, 0}, {0, 0}}}}}}},
		{Title: "largest", Panels: []Panel{{Series: []Series{{0, []Point{{Largest, Largest}, {5e-324, 5e-324}}}}}}},
		{Title: "smallest", Panels: []Panel{{Series: []Series{{0, []Point{{5e-324, 1e-300}}}}}}},
		{Title: long,
			Panels: []Panel{{Title: long, X: Axis{Label: long}, Y: Axis{Label: long},
				Series: []Series{{100, []Point{{1, 1}}}}}}, Legend: []Entry{{100, long}}},
	} {
		if img := decode(t, f); img.Bounds().Dx() < 700 || count(img, img.Bounds(), white) == 0 {
			t.Errorf("%.20q: bounds %v, or no background", f.Title, img.Bounds())
		}
	}
	for _, p := range []Point{{-1, 0}, {0, math.NaN()}, {math.Inf(1), 0}, {0, 2 * Largest}} {
		f := Figure{Title: "bad", Panels: []Panel{{Title: "worse", Series: []Series{{0, []Point{p}}}}}}
		if err := f.WritePNG(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), `panel "worse"`) {
			t.Errorf("%v: error %v, want one that names the panel", p, err)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		axis    Axis
		largest float64
		want    string
	}{
		{Axis{}, 97.3, "0 20 40 60 80 100"},
		{Axis{}, 6, "0 2 4 6 8"},
		{Axis{}, 0, "0 0.2 0.4 0.6 0.8 1.0 1.2"},
		{Axis{}, 12, "0 2.5 5.0 7.5 10.0 12.5"},
		{Axis{}, 0.0123, "0 0.0025 0.0050 0.0075 0.0100 0.0125"},
		{Axis{}, 0.00001, "0 2e-06 4e-06 6e-06 8e-06 1e-05 1.2e-05"},
		{Axis{}, 12345, "0 2500 5000 7500 10000 12500"},
		{Axis{}, 240000, "0 50k 100k 150k 200k 250k"},
		{Axis{}, 990000, "0 0.2M 0.4M 0.6M 0.8M 1M"},
		{Axis{}, 3.1e12, "0 1T 2T 3T 4T"},
		{Axis{Whole: true}, 1, "0 1 2"},
		{Axis{Whole: true}, 8, "0 2 4 6 8 10"},
		{Axis{End: 100}, 3, "0 20 40 60 80 100"},
		{Axis{End: 100}, 100, "0 20 40 60 80 100"},
		{Axis{End: 100}, 130, "0 50 100 150"},
	} {
		marks := test.axis.ticks(test.largest)
		if got := labels(marks); got != test.want {
			t.Errorf("ticks of %+v to %v are %s, want %s", test.axis, test.largest, got, test.want)
		}
	}
	for v := 1e-12; v <= Largest; v *= 1.37 {
		marks := Axis{}.ticks(v)
		if n := len(marks); n < 4 || n > 8 || marks[n-1].Value < v {
			t.Errorf("ticks to %v are %s: want 4 to 8, the last not below", v, labels(marks))
		}
	}
}

func labels(marks plot.ConstantTicks) string {
	var list []string
	for _, m := range marks {
		list = append(list, m.Label)
	}
	return strings.Join(list, " ")
}

func TestShortened(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"Report 1: a/b", 20, "Report 1: a/b"},
		{"Report 1: runs/of/today/fast", 18, "Report 1: …ay/fast"},
		{"runs/of/today/fast", 8, "…ay/fast"},
		{"ünïcödé", 4, "…ödé"},
		{"x", 0, "…x"},
	} {
		if got := shortened(test.text, func(s string) bool { return len([]rune(s)) <= test.width }); got != test.want {
			t.Errorf("shortened(%q) to %d = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func BenchmarkWritePNG(b *testing.B) {
	reports, _, err := Read("testdata/rates")
	if err != nil {
		b.Fatal(err)
	}
	charts, _ := Charts(reports...)
	for b.Loop() {
		if err := charts[0].Figure.WritePNG(&bytes.Buffer{}); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleCharts() {
	reports, _, err := Read("testdata/rates")
	if err != nil {
		fmt.Println(err)
		return
	}
	charts, _ := Charts(reports...)
	for _, c := range charts {
		var picture bytes.Buffer
		if err := c.Figure.WritePNG(&picture); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.File, len(c.Figure.Panels), "panels")
	}
	// Output:
	// latency_vs_qps.png 3 panels
	// throughput_vs_qps.png 3 panels
	// goodput_vs_qps.png 2 panels
	// throughput_vs_latency.png 3 panels
}
