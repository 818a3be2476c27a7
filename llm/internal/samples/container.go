package samples

import (
	"fmt"
	"sync"
	"time"

	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// ITLMode selects which inter-token latencies become samples. Records hold all of them in any mode.
type ITLMode string

// The modes.
const (
	ITLRequest ITLMode = "request" // the mean of each request
	ITLAll     ITLMode = "all"     // every gap: k6 keeps each in memory
	ITLOff     ITLMode = "off"
)

// ParseITLMode returns the mode of a name.
func ParseITLMode(name string) (ITLMode, error) {
	switch mode := ITLMode(name); mode {
	case ITLRequest, ITLAll, ITLOff:
		return mode, nil
	}
	return "", fmt.Errorf("must be 'request', 'all' or 'off', got %q", name)
}

// Container carries one line of the record file through k6's sample channel. It may be used concurrently. The line must
// no longer change.
type Container struct {
	line record.Line
	tags *metrics.TagSet
	meta map[string]string
	mode ITLMode
	m    *Metrics

	expand  sync.Once
	samples []metrics.Sample
	encode  sync.Once
	text    []byte
	err     error
}

var _ metrics.ConnectedSampleContainer = new(Container)

// Request returns a container for a finished request. The samples have meta as additional metadata; Request does not
// change it.
func (m *Metrics) Request(r *record.Request, tags *metrics.TagSet, meta map[string]string, mode ITLMode) *Container {
	return &Container{line: r, tags: tags, meta: meta, mode: mode, m: m}
}

// Event returns a container for a line that is not a request.
func (m *Metrics) Event(line record.Line, tags *metrics.TagSet) *Container {
	return &Container{line: line, tags: tags, m: m}
}

// Line returns the line that the container carries.
func (c *Container) Line() record.Line { return c.line }

// Text returns the line as JSON. It encodes the line once, at the first call.
func (c *Container) Text() ([]byte, error) {
	c.encode.Do(func() { c.text, c.err = record.Append(nil, c.line) })
	return c.text, c.err
}

// GetTags returns the tags that all samples share.
func (c *Container) GetTags() *metrics.TagSet { return c.tags }

// GetTime returns the end of a request, and the present time for other lines.
func (c *Container) GetTime() time.Time {
	if r, ok := c.line.(*record.Request); ok {
		return time.Unix(0, r.End)
	}
	return time.Now()
}

// GetSamples returns the samples. It makes them at the first call, because k6 calls it once for each of its consumers,
// on different goroutines.
func (c *Container) GetSamples() []metrics.Sample {
	c.expand.Do(func() {
		b := sampler{tags: c.tags, time: c.GetTime(), meta: c.metadata()}
		if r, ok := c.line.(*record.Request); ok {
			b.request(c.m, r, c.mode, c.withRecord())
		} else {
			b.add(c.m.Events, 1, c.withRecord())
		}
		c.samples = b.samples
	})
	return c.samples
}

func (c *Container) metadata() map[string]string {
	r, ok := c.line.(*record.Request)
	if !ok {
		return c.meta
	}
	meta := make(map[string]string, len(c.meta)+2)
	for k, v := range c.meta {
		meta[k] = v
	}
	if r.ID != "" {
		meta["request_id"] = r.ID
	}
	if r.SessionID != "" {
		meta["session_id"] = r.SessionID
	}
	return meta
}

// withRecord returns the metadata with the line itself, so that llmconv can read the output of --out json. If the line
// cannot be encoded as JSON, the metadata lacks it; the output of records reports the error.
func (c *Container) withRecord() map[string]string {
	meta := c.metadata()
	text, err := c.Text()
	if err != nil {
		return meta
	}
	if meta == nil {
		meta = make(map[string]string, 1)
	}
	meta[record.MetadataKey] = string(text)
	return meta
}

// sampler collects the samples of one line.
type sampler struct {
	samples []metrics.Sample
	tags    *metrics.TagSet
	time    time.Time
	meta    map[string]string
}

func (b *sampler) add(metric *metrics.Metric, value float64, meta map[string]string) {
	b.samples = append(b.samples, metrics.Sample{
		TimeSeries: metrics.TimeSeries{Metric: metric, Tags: b.tags}, Time: b.time, Metadata: meta, Value: value,
	})
}

func (b *sampler) latency(metric *metrics.Metric, d time.Duration, known bool) {
	if known {
		b.add(metric, metrics.D(d), b.meta)
	}
}

// request makes the samples of one request. Failed requests have counts, but no latencies and no tokens.
func (b *sampler) request(m *Metrics, r *record.Request, mode ITLMode, withRecord map[string]string) {
	room := 12
	if mode == ITLAll {
		room += len(r.Chunks)
	}
	b.samples = make([]metrics.Sample, 0, room)
	b.add(m.Requests, 1, withRecord)
	b.add(m.Failed, metrics.B(r.Failed()), b.meta)
	if r.Good != nil {
		b.add(m.Good, metrics.B(*r.Good), b.meta)
	}
	delay, known := r.ScheduleDelay()
	b.latency(m.ScheduleDelay, delay, known)
	if r.Failed() {
		return
	}
	b.latency(m.Duration, r.Latency(), true)
	ttft, known := r.TTFT()
	b.latency(m.TTFT, ttft, known)
	counts := r.Counts()
	tpot, known := r.TPOT(counts)
	b.latency(m.TPOT, tpot, known)
	ntpot, known := r.NTPOT(counts)
	b.latency(m.NTPOT, ntpot, known)
	b.itl(m, r, mode)
	if counts.PromptSource != record.NoSource {
		b.add(m.PromptTokens, float64(counts.Prompt), b.meta)
		b.add(m.TokensIn, float64(counts.Prompt), b.meta)
	}
	if counts.CompletionSource != record.NoSource {
		b.add(m.CompletionTokens, float64(counts.Completion), b.meta)
		b.add(m.TokensOut, float64(counts.Completion), b.meta)
	}
}

func (b *sampler) itl(m *Metrics, r *record.Request, mode ITLMode) {
	switch mode {
	case ITLAll:
		b.gaps(m, r)
	case ITLRequest:
		mean, known := r.MeanITL()
		b.latency(m.ITL, mean, known)
	case ITLOff:
	}
}

// gaps makes a sample of each gap at the instant of the token that ends it, because outputs such as InfluxDB keep only
// one value per instant.
func (b *sampler) gaps(m *Metrics, r *record.Request) {
	end := b.time
	defer func() { b.time = end }()
	first, _, _ := r.TokenSpan()
	b.time = end.Add(first - r.Latency())
	for _, gap := range r.AppendITL(make([]time.Duration, 0, len(r.Chunks))) {
		b.time = b.time.Add(gap)
		b.latency(m.ITL, gap, true)
	}
}
