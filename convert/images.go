package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/stats"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Images sums up the successes of the API image, whose answers are pictures. Pictures whose address alone came are
// counted, and their sizes are unknown.
type Images struct {
	Answered
	Pictures    int            `json:"pictures"`
	PictureRate Maybe          `json:"pictures_per_sec"`
	PixelRate   Maybe          `json:"megapixels_per_sec"` // of a million pixels
	PerRequest  *Distribution  `json:"pictures_per_request"`
	PerPicture  *Distribution  `json:"seconds_per_picture"`    // latency / pictures of the request
	Megapixels  *Distribution  `json:"megapixels_per_picture"` // of a million pixels
	FirstByte   *Distribution  `json:"time_to_first_byte"`
	Reading     *Distribution  `json:"reading_time"`          // from the first byte to the last
	First       *Distribution  `json:"time_to_first_picture"` // of streams: the first picture, be it unfinished
	Server      *Distribution  `json:"server_seconds"`        // what servers say that it took
	Unfetched   int            `json:"pictures_by_address"`   // their address alone came
	Resized     int            `json:"pictures_of_other_size"`
	Example     string         `json:"other_size,omitempty"` // the first of those, and what was asked for
	Formats     map[string]int `json:"formats"`              // pictures by the format of their files
	BySize      []SizeGroup    `json:"by_size"`
}

// SizeGroup sums up the requests of one size: the one asked for, or the one that came if none was.
type SizeGroup struct {
	Size       string        `json:"size"`
	Requests   int           `json:"requests"`
	Pictures   int           `json:"pictures"`
	Latency    *Distribution `json:"request_latency"`
	PerPicture *Distribution `json:"seconds_per_picture"`
}

// newImages returns the figures of the successes of the API.
func newImages(g *subset, ok []*run.Request) *Images {
	i := &Images{
		Answered: newAnswered(g, ok), PerRequest: g.sum(ok, pictureCount), PerPicture: g.sum(ok, secondsPerPicture),
		FirstByte: g.sum(ok, firstByte), Reading: g.sum(ok, readingTime), First: g.sum(ok, firstArrival),
		Server: g.sum(ok, serverSeconds), Formats: map[string]int{}, BySize: bySize(g, ok),
	}
	var sizes []float64
	for _, q := range ok {
		for _, m := range answersOf(q) {
			i.Pictures++
			if m.URL {
				i.Unfetched++
				continue
			}
			i.Formats[m.Format]++
			if m.Pixels() > 0 {
				sizes = append(sizes, float64(m.Pixels())/1e6)
				i.compare(q.Media.AskedSize, &m)
			}
		}
	}
	i.PictureRate, i.PixelRate = perSecond(g, float64(i.Pictures)), perSecond(g, stats.Sum(sizes))
	i.Megapixels = NewDistribution(sizes, g.opts.Percentiles)
	return i
}

// compare counts a picture that has another size than was asked for.
func (i *Images) compare(asked string, m *record.Media) {
	got := sizeOf(m)
	if asked == "" || asked == "auto" || got == asked {
		return
	}
	i.Resized++
	if i.Example == "" {
		i.Example = got + " for " + asked
	}
}

// answersOf returns the media of an answer.
func answersOf(q *run.Request) []record.Media {
	if q.Media == nil {
		return nil
	}
	return q.Media.Answer
}

// sizeOf writes the size of a picture as requests do.
func sizeOf(m *record.Media) string { return fmt.Sprintf("%dx%d", m.Width, m.Height) }

func pictureCount(_ *subset, q *run.Request) float64 { return float64(len(answersOf(q))) }

func secondsPerPicture(g *subset, q *run.Request) float64 {
	n := len(answersOf(q))
	if n == 0 {
		return unknown
	}
	return requestLatency(g, q) / float64(n)
}

func firstByte(g *subset, q *run.Request) float64 {
	d := q.Details()
	if d.FirstByte == 0 || q.LeftOut {
		return unknown
	}
	return g.run.Seconds(d.FirstByte - q.Start)
}

func readingTime(g *subset, q *run.Request) float64 { return requestLatency(g, q) - firstByte(g, q) }

func serverSeconds(_ *subset, q *run.Request) float64 {
	if q.Media == nil {
		return unknown
	}
	return someOrUnknown(q.Media.Server)
}

// bySize groups requests by size, from the smallest on.
func bySize(g *subset, ok []*run.Request) []SizeGroup {
	groups := map[string][]*run.Request{}
	for _, q := range ok {
		size := "unknown"
		if answer := answersOf(q); len(answer) > 0 && answer[0].Pixels() > 0 {
			size = sizeOf(&answer[0])
		}
		if q.Media != nil && q.Media.AskedSize != "" {
			size = q.Media.AskedSize
		}
		groups[size] = append(groups[size], q)
	}
	list := []SizeGroup{}
	for _, size := range sortedKeys(groups) {
		of := groups[size]
		list = append(list, SizeGroup{Size: size, Requests: len(of), Pictures: int(g.total(of, pictureCount)),
			Latency: g.sum(of, requestLatency), PerPicture: g.sum(of, secondsPerPicture)})
	}
	slices.SortStableFunc(list, func(a, b SizeGroup) int { return cmp.Compare(pixelsIn(a.Size), pixelsIn(b.Size)) })
	return list
}

// pixelsIn returns the pixels of a size such as 1024x768, 0 of other texts.
func pixelsIn(size string) (pixels int) {
	var width, height int
	if n, _ := fmt.Sscanf(size, "%dx%d", &width, &height); n < 2 {
		return 0
	}
	return width * height
}

func (i *Images) rates() []string {
	list := []string{rate(i.PictureRate, 2) + " images/s"}
	if i.PixelRate > 0 {
		list = append(list, rate(i.PixelRate, 2)+" megapixels/s")
	}
	return list
}

func (i *Images) first() string { return middle("an image", i.PerPicture, 1, " s") }

func (i *Images) sentence() string {
	list := []string{plural(i.Pictures, "image")}
	if i.PerPicture != nil {
		list = append(list, fmt.Sprintf("p50 %s s an image", percentileCells(i.PerPicture, 1, 50)[0]))
	}
	if i.Reading != nil {
		list = append(list, percentileCells(i.Reading, 1000, 50)[0]+" ms to read an answer")
	}
	if i.First != nil {
		list = append(list, fmt.Sprintf("the first of a stream after %s ms", percentileCells(i.First, 1000, 50)[0]))
	}
	if i.Server != nil {
		list = append(list, fmt.Sprintf("%s s by the server's word", percentileCells(i.Server, 1, 50)[0]))
	}
	return strings.Join(list, ", ")
}

func (i *Images) warn(w *warner) {
	w.warn(i.Resized > 0, "%d of %s are of another size than asked for, such as %s", i.Resized,
		plural(i.Pictures, "image"), i.Example)
	w.warn(i.Unfetched > 0, "of %d of %s the address alone came, which is not fetched: their sizes are unknown, and "+
		"so is the time that fetching takes", i.Unfetched, plural(i.Pictures, "image"))
}

// answerSizes prints the latency by the size of pictures and of videos.
func (t *table) answerSizes(a *Answers) {
	if a.Image != nil {
		t.sizes("images", a.Image.BySize)
	}
	if a.Video != nil {
		t.sizes("videos", a.Video.BySize)
	}
}

// sizes prints the latency by size if requests differ in it.
func (t *table) sizes(name string, list []SizeGroup) {
	if len(list) < 2 {
		return
	}
	var labels []string
	count := group{heads: []string{"requests"}}
	latency := group{heads: []string{"latency p50", "p90", "p99"}}
	for _, s := range list {
		labels = append(labels, s.Size)
		count.cells = append(count.cells, []string{fmt.Sprint(s.Requests)})
		latency.cells = append(latency.cells, percentileCells(s.Latency, 1000, 50, 90, 99))
	}
	t.grid(name, labels, []group{count, latency})
}
