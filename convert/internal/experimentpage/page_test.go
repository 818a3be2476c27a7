package experimentpage

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/convert/internal/outcome"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// grid returns the cells of an experiment of slots × batch × load, of one workload or more. Of the last the load
// generator did not keep up, and the one before has failed.
func grid(workloads ...string) (cells []outcome.Cell) {
	known := func(v float64) outcome.Figure { return outcome.Known(v, v*0.97, v*1.03, 0.015, 50) }
	for _, workload := range workloads {
		for _, slots := range []float64{1, 4} {
			for _, batch := range []float64{256, 512} {
				for _, users := range []float64{1, 4, 16} {
					active := min(users, slots)
					c := outcome.Cell{Cell: experiment.Cell{Deployment: "server", Workload: workload, Repeat: 1,
						Load: fmt.Sprintf("concurrency=%v", users), Units: 2, Price: "2 USD/h", Status: experiment.Done,
						Parameters: []experiment.Parameter{{Name: "slots", Value: fmt.Sprint(slots)},
							{Name: "batch", Value: fmt.Sprint(batch)}}}, HasReport: true, HasPage: true,
						Verdict: "VALID", Requests: 300, Model: "m"}
					c.Name = fmt.Sprintf("%s %v %v %v", workload, slots, batch, users)
					c.Directory = "cells/" + c.Name
					tpot := 0.01 * (1 + 0.1*(active-1)) * math.Sqrt(512/batch) * (1 + 0.05*math.Log2(users))
					c.Figures = map[string]outcome.Figure{outcome.MedianTPOT: known(tpot),
						outcome.Output: known(active / tpot), "p99(ttft)": known(0.1 * users / active)}
					cells = append(cells, c)
				}
			}
		}
	}
	cells[len(cells)-1].Verdict = "INVALID"
	cells[len(cells)-2].Status, cells[len(cells)-2].Error = experiment.Failed, "out of memory"
	return cells
}

// written returns the page of an experiment.
func written(t *testing.T, name, dir string, cells []outcome.Cell) string {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, dir, outcome.New(name, cells)); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// drawn opens a page in a browser of a width, and returns it after its scripts have run; the script, if any, runs last.
func drawn(t *testing.T, page, script string, width int) string {
	t.Helper()
	if script != "" {
		page = strings.Replace(page, `http-equiv="Content-Security-Policy"`, "", 1) // it forbids the script
		page = strings.Replace(page, "</body>", "<script>"+script+"</script></body>", 1)
	}
	dom := testenv.Browser(t, FileName, page, fmt.Sprintf("%d,3000", width))
	body := regexp.MustCompile(`<body[^>]*>`).FindString(dom)
	if !strings.Contains(body, `data-errors="0"`) || !strings.Contains(body, `data-done="1"`) {
		t.Errorf("the page says of itself: %s", body)
	}
	return dom
}

// The front is drawn with each setting that counts, and a cross for the cell whose figures do not.
func TestBrowserDrawsTheFront(t *testing.T) {
	t.Parallel()
	dom := drawn(t, written(t, "flags", "runs/flags", grid("chat")), "", 1120)
	for want, times := range map[string]int{`data-place="front"`: 1, `data-place="front_within_noise"`: 2,
		`data-place="dominated"`: 7, `not counted: the load generator is INVALID`: 2} {
		if n := strings.Count(dom, want); n != times {
			t.Errorf("%q is %d times in the page, want %d", want, n, times)
		}
	}
	// offered is the best setting against the best of another deployment at the same load
	const offered = "llmconv compare 'runs/flags/cells/chat 1 512 4' 'runs/flags/cells/chat 4 256 4'"
	if !strings.Contains(dom, `class="stairs"`) || !strings.Contains(dom, offered) {
		t.Errorf("no stairs, or not %s but %s", offered, regexp.MustCompile(`<code>[^<]*`).FindString(dom))
	}
}

// A click sorts the cells, a choice of two compares them, and another workload has a front of its own.
func TestBrowserAnswersClicks(t *testing.T) {
	t.Parallel()
	const script = `addEventListener("load", () => {
		const heads = [...document.querySelectorAll("#cells thead th")];
		const output = heads.findIndex((h) => h.textContent.startsWith("Output"));
		const first = () => document.querySelector("#cells tbody tr").cells[output].childNodes[0].textContent.trim();
		heads[output].querySelector("button").click();
		document.body.dataset.least = first();
		heads[output].querySelector("button").click();
		document.body.dataset.most = first();
		for (const [which, number] of [["#base", "0"], ["#new", "6"]]) {
			document.querySelector(which).value = number;
			document.querySelector(which).dispatchEvent(new Event("change"));
		}
		document.body.dataset.change = document.querySelector("#changes tbody tr").cells[3].textContent;
		const workload = document.querySelector("#pick-workload select");
		workload.value = "rag";
		workload.dispatchEvent(new Event("change"));
		document.body.dataset.drawnof = document.querySelector("#front figcaption").textContent;
	})`
	dom := drawn(t, written(t, "flags", "runs/flags", grid("chat", "rag")), script, 1120)
	body := regexp.MustCompile(`<body[^>]*>`).FindString(dom)
	for _, want := range []string{`data-least="58.9"`, `data-most="280"`, `data-change="×1.00 (0.959 to 1.04)"`,
		`workload rag"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page says of itself: %s; want %s", body, want)
		}
	}
}

// The page's own comparison of two settings has the interval of the answers where both know the noise from the same
// repeats, and says why the command may say less.
func TestBrowserComparesRepeats(t *testing.T) {
	t.Parallel()
	var cells []outcome.Cell
	for i, output := range []float64{100, 110, 132, 145.2} {
		c := grid("chat")[i/2]
		c.Repeat, c.Name, c.Directory = i%2+1, fmt.Sprint("cell ", i), fmt.Sprint("cells/", i)
		c.Figures = map[string]outcome.Figure{outcome.Output: outcome.Known(output, output, output, 0, 50)}
		cells = append(cells, c)
	}
	const script = `addEventListener("load", () => {
		document.body.dataset.change = document.querySelector("#changes tbody tr").cells[3].textContent;
	})`
	dom := drawn(t, written(t, "flags", "runs/flags", cells), script, 1120)
	// The means of two differ with an error of log(1.1)/√2, of two degrees of freedom: 1.32 ÷ exp(4.303·0.0674).
	if body := regexp.MustCompile(`<body[^>]*>`).FindString(dom); !strings.Contains(body, `×1.32 (0.988 to 1.76)`) {
		t.Errorf("the page says of itself: %s", body)
	}
	if !strings.Contains(dom, "the command may say INCONCLUSIVE") {
		t.Error("the page does not say why the command may say less")
	}
}

// On a phone nothing but the tables is wider than the screen.
func TestBrowserOnAPhone(t *testing.T) {
	t.Parallel()
	const script = `addEventListener("load", () => {
		document.body.dataset.over = String(document.documentElement.scrollWidth - document.documentElement.clientWidth);
	})`
	dom := drawn(t, written(t, "flags", "runs/flags", grid("chat")), script, 500)
	if body := regexp.MustCompile(`<body[^>]*>`).FindString(dom); !strings.Contains(body, `data-over="0"`) {
		t.Errorf("the page is wider than the screen: %s", body)
	}
}

// A thousand cells make a page of a few megabytes, which a browser draws. The test prints the times.
func TestBrowserDrawsAThousandCells(t *testing.T) {
	t.Parallel()
	var cells []outcome.Cell
	for n := range 1000 {
		c := grid("chat")[n%10]
		c.Name, c.Parameters[0].Value = fmt.Sprint("cell-", n), fmt.Sprint(n/100)
		c.Parameters[1].Value = fmt.Sprint(n / 10 % 10)
		c.Load = fmt.Sprintf("concurrency=%d", n%10+1)
		factor := 1 + 0.01*float64(n/10)
		f := c.Figures[outcome.Output]
		c.Figures[outcome.Output] = outcome.Known(f.Value*factor, f.Low*factor, f.High*factor, 0.015, 50)
		cells = append(cells, c)
	}
	began := time.Now()
	page := written(t, "large", "runs/large", cells)
	took := time.Since(began)
	began = time.Now()
	dom := drawn(t, page, "", 1120)
	t.Logf("a page of %d bytes in %.2f s, drawn in %.1f s", len(page), took.Seconds(), time.Since(began).Seconds())
	if len(page) > 4<<20 {
		t.Errorf("the page has %d bytes, want below 4 MB", len(page))
	}
	if n := strings.Count(dom, `data-place="`); n != 1000 {
		t.Errorf("%d points, want 1000", n)
	}
}

// No name of an experiment runs as code, becomes markup, or turns the direction of the text beside it.
func TestBrowserShowsNamesAsText(t *testing.T) {
	t.Parallel()
	const hostile = "\u202e</script><script>document.body.dataset.owned=1</script><img src=x " +
		`onerror="document.body.dataset.owned=1">'"`
	cells := grid("chat"+hostile, "rag")
	for i := range cells {
		c := &cells[i]
		c.Name, c.Deployment, c.Load, c.Model = c.Name+hostile, "d"+hostile, c.Load+hostile, hostile
		c.Directory += hostile
		c.Parameters[0].Name, c.Parameters[1].Value = "slots"+hostile, c.Parameters[1].Value+hostile
		c.SLO, c.Observed, c.Reasons, c.Error = hostile, hostile, []string{hostile}, hostile
	}
	dom := drawn(t, written(t, hostile, "runs/"+hostile, cells), "", 1120)
	for _, bad := range []string{"data-owned", "<img", "\u202e"} {
		if strings.Contains(dom, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

// Pages of little are drawn, too: of no cells, of one, and of cells without figures.
func TestBrowserDrawsLittle(t *testing.T) {
	t.Parallel()
	bare := grid("chat")
	for i := range bare {
		bare[i].Figures = nil
	}
	for _, cells := range [][]outcome.Cell{nil, grid("chat")[:1], grid("chat")[10:], bare} {
		drawn(t, written(t, "little", "runs/little", cells), "", 1120)
	}
}
