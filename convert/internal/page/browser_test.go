package page

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// drawn opens a page in a browser, and returns the page after its scripts have run.
func drawn(t *testing.T, page string) string {
	t.Helper()
	return testenv.Browser(t, reportdir.Page, page, "1400,4000")
}

var (
	bodyTag  = regexp.MustCompile(`<body[^>]*>`)
	attrs    = regexp.MustCompile(`data-(\w+)="(\d+)"`)
	chartTag = regexp.MustCompile(`(?s)<figure id="chart-([^"]*)"([^>]*)>(.*?)</figure>`)
)

// checkDrawn checks that every chart is drawn with data, and that there was no error.
func checkDrawn(t *testing.T, dom string, charts int) {
	t.Helper()
	body := map[string]string{}
	for _, a := range attrs.FindAllStringSubmatch(bodyTag.FindString(dom), -1) {
		body[a[1]] = a[2]
	}
	if body["errors"] != "0" || body["charts"] != strconv.Itoa(charts) {
		t.Errorf("the page says of itself: %v; want 0 errors and %d charts", body, charts)
	}
	t.Logf("%d charts drawn in %s ms, %d bytes", charts, body["ms"], len(dom))
	figures := chartTag.FindAllStringSubmatch(dom, -1)
	if len(figures) != charts {
		t.Errorf("got %d figures, want %d", len(figures), charts)
	}
	for _, f := range figures {
		points := attrs.FindStringSubmatch(f[2])
		if !strings.Contains(f[3], "<canvas") || !regexp.MustCompile(`data-drawn="[1-9]\d*"`).MatchString(f[2]) {
			t.Errorf("chart %s: no canvas, or no data in it (%v)", f[1], points)
		}
	}
}

// There are six charts over the rate, six over time, three distributions and one of adapters.
func TestBrowserDrawsEveryChart(t *testing.T) {
	t.Parallel()
	l := load{rates: []float64{2, 4, 8}, each: 12, adapters: []string{"a", "b"}, failing: 5}
	checkDrawn(t, drawn(t, written(t, runOf(t, "one", l))), 16)
	other := load{rates: []float64{1, 3}, each: 9}
	checkDrawn(t, drawn(t, written(t, runOf(t, "one", l), runOf(t, "two", other), runOf(t, "three", l))), 16)
	checkDrawn(t, drawn(t, written(t, runOf(t, "one stage", load{rates: []float64{5}, each: 20}))), 8)
	checkDrawn(t, drawn(t, written(t, runOf(t, "one request", load{rates: []float64{5}, each: 1}))), 8)
	checkDrawn(t, drawn(t, written(t, runOf(t, "nothing", load{rates: []float64{5}, each: 1, failing: 1}))), 4)
}

// A search has two charts of its own beside those of any run of stages.
func TestBrowserDrawsASearch(t *testing.T) {
	t.Parallel()
	run := searchRun(t, unchanged)
	checkDrawn(t, drawn(t, written(t, run)), 16)
}

// The browser runs no text that looks like code.
func TestBrowserRunsNoForeignCode(t *testing.T) {
	t.Parallel()
	const hostile = `</script><script>document.body.dataset.owned=1</script><img src=x ` +
		`onerror="document.body.dataset.owned=1">`
	l := load{rates: []float64{2, 4}, each: 6, adapters: []string{hostile + "a", hostile + "b"}, failing: 3,
		text: hostile}
	dom := drawn(t, written(t, runOf(t, hostile, l), runOf(t, hostile, l)))
	checkDrawn(t, dom, 16)
	if strings.Contains(bodyTag.FindString(dom), "owned") || strings.Contains(dom, "<img") {
		t.Error("a name became code")
	}
}

// No text in any field of the records runs as code, or changes the direction of the text beside it.
func TestBrowserShowsForeignTextAsText(t *testing.T) {
	t.Parallel()
	run, err := FromReport("run"+hostileText, reportOn(t, hostileRecords(t, hostileText)))
	if err != nil {
		t.Fatal(err)
	}
	dom := drawn(t, written(t, run))
	if strings.Contains(bodyTag.FindString(dom), "owned") {
		t.Error("a text became code")
	}
	for _, element := range []string{"<img", "<svg onload", "<a "} {
		if strings.Contains(dom, element) {
			t.Errorf("a text made an element %s", element)
		}
	}
	if bad := unseen.FindString(dom); bad != "" || !strings.Contains(dom, `\u202e`) {
		t.Errorf("the page has %q, or does not show it", bad)
	}
}

// At the pointer a chart names the stage and its values with their units, and its legend shows the lines' dashes.
func TestBrowserNamesTheStageAtThePointer(t *testing.T) {
	t.Parallel()
	const hover = `<script>addEventListener("load", () => {
		const over = document.querySelector("#chart-rate-ttft .u-over"), box = over.getBoundingClientRect();
		for (const type of ["mouseenter", "mousemove"])
			over.dispatchEvent(new MouseEvent(type, { clientX: box.right - 20, clientY: box.top + 20 }));
	})</script></body>`
	page := written(t, runOf(t, "one", load{rates: []float64{2, 4, 8}, each: 12}))
	page = strings.Replace(page, `http-equiv="Content-Security-Policy"`, "", 1) // it forbids the script above
	dom := drawn(t, strings.Replace(page, "</body>", hover, 1))
	tip := regexp.MustCompile(`(?s)<div class="tip"[^>]*block.*?</div>`).FindString(dom)
	for _, want := range []string{"<strong>stage 2: 8/s</strong>", "p50 454 ms", "p99 456 ms"} {
		if !strings.Contains(tip, want) {
			t.Errorf("the values at the pointer lack %q: %q", want, tip)
		}
	}
	if !strings.Contains(dom, `stroke-dasharray="9 4"></line></svg>p99</button>`) {
		t.Error("the legend does not show the dashes of p99")
	}
}

// The test prints the time that a page of ten thousand requests takes.
func TestBrowserTenThousandRequests(t *testing.T) {
	t.Parallel()
	page := written(t, runOf(t, "large", load{rates: []float64{100, 200, 400, 800}, each: 2500}))
	if len(page) > 3<<20 {
		t.Errorf("the page has %d bytes, want below 3 MB", len(page))
	}
	checkDrawn(t, drawn(t, page), 14)
}
