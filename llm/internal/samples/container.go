package samples

import (
	"fmt"
	"maps"
	"runtime"
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

// Container carries one line of the record file through k6's sample channel. It may be used concurrently once it is
// pushed. The line must no longer change.
type Container struct {
	line    record.Line
	samples []metrics.Sample
	text    string // the line, if it is in the metadata; else ""
}

// Request returns a container for a finished request. counts is the result of r.Counts. vu holds the tags and the
// metadata of the VU that sent the request; Request adds to them and does not change them. A request of a warm-up
// counts as an event only.
func (m *Metrics) Request(r *record.Request, counts record.Counts, vu metrics.TagsAndMeta, mode ITLMode) *Container {
	c := &Container{line: r}
	b := sampler{tags: m.requestTags(vu.Tags, r), time: time.Unix(0, r.End)}
	meta := m.metadata(c, vu.Metadata)
	if r.Warmup { // it is in no figure, and its record travels like the other lines
		b.add(m.Events, 1, meta)
		c.samples = b.samples
		return c
	}
	if meta != nil {
		b.meta = maps.Clone(meta)
		delete(b.meta, record.MetadataKey)
	}
	b.request(m, r, counts, mode, meta)
	c.samples = b.samples
	return c
}

// Event returns a container for a line that is not a request.
func (m *Metrics) Event(line record.Line, tags *metrics.TagSet) *Container {
	c := &Container{line: line}
	b := sampler{tags: tags, time: time.Now()}
	b.add(m.Events, 1, m.metadata(c, nil))
	c.samples = b.samples
	return c
}

// Session returns a container for a session that has ended. vu holds the tags and the metadata of the VU. A session
// that was cut, and one of a warm-up, counts as an event only; one that failed has no duration.
func (m *Metrics) Session(s *record.Session, vu metrics.TagsAndMeta) *Container {
	c := &Container{line: s}
	b := sampler{tags: sessionTags(vu.Tags, s), time: time.Unix(0, s.End)}
	if m.outputs.readMetadata() {
		b.meta = vu.Metadata
	}
	b.add(m.Events, 1, m.metadata(c, vu.Metadata))
	if !s.Warmup && !s.Unfinished() {
		b.add(m.SessionFailed, metrics.B(s.ErrorType != ""), b.meta)
		b.latency(m.SessionDuration, s.Duration(), s.ErrorType == "")
	}
	c.samples = b.samples
	return c
}

// AddIteration adds the samples that k6 makes of an iteration to those of its last line, so that both are pushed at
// once. vu holds the tags and the metadata of the VU. It must be called before the container is pushed, and needs the
// built-in metrics in the state given to Register.
func (c *Container) AddIteration(m *Metrics, vu metrics.TagsAndMeta, start, end time.Time) {
	c.samples = m.iteration(c.samples, vu, start, end)
}

// Iteration returns the samples that k6 makes of an iteration, for one without a request.
func (m *Metrics) Iteration(vu metrics.TagsAndMeta, start, end time.Time) metrics.Samples {
	return m.iteration(nil, vu, start, end)
}

func (m *Metrics) iteration(list []metrics.Sample, vu metrics.TagsAndMeta, start, end time.Time) []metrics.Sample {
	b := sampler{samples: list, tags: vu.Tags, time: end}
	var meta map[string]string
	if m.outputs.readMetadata() {
		meta = vu.Metadata
	}
	b.add(m.builtin.IterationDuration, metrics.D(end.Sub(start)), meta)
	b.add(m.builtin.Iterations, 1, meta)
	return b.samples
}

// Line returns the line that the container carries.
func (c *Container) Line() record.Line { return c.line }

// AppendText appends the line as JSON, without a line break.
func (c *Container) AppendText(dst []byte) ([]byte, error) {
	if c.text != "" {
		return append(dst, c.text...), nil
	}
	return record.Append(dst, c.line)
}

// turn is after how many requests other goroutines get the processor while k6 takes samples. It is a prime, so that the
// numbers of one instance's arrivals include its multiples.
const turn = 31

// GetSamples returns the samples. Each consumer of k6 takes those of 50 to 200 ms in a row, which at 20,000 requests
// per second would make tokens and arrivals milliseconds late where Go has one processor.
func (c *Container) GetSamples() []metrics.Sample {
	if r, ok := c.line.(*record.Request); ok && r.Index%turn == 0 {
		runtime.Gosched()
	}
	return c.samples
}

// metadata returns the metadata of the sample that counts the line: that of the VU, the ids of a request, and the line
// itself, so that llmconv can read the output of --out json. It returns nil if no output reads metadata. If the line
// cannot be encoded as JSON, the metadata lacks it; the output of records reports the error.
func (m *Metrics) metadata(c *Container, vu map[string]string) map[string]string {
	if !m.outputs.readMetadata() {
		return nil
	}
	meta := make(map[string]string, len(vu)+3)
	maps.Copy(meta, vu)
	room := 1024
	if r, ok := c.line.(*record.Request); ok {
		room += 10 * r.OutputChunks()
		if r.ID != "" {
			meta["request_id"] = r.ID
		}
		if r.SessionID != "" {
			meta["session_id"] = r.SessionID
		}
	}
	if text, err := record.Append(make([]byte, 0, room), c.line); err == nil {
		c.text = string(text)
		meta[record.MetadataKey] = c.text
	}
	return meta
}

// sampler collects the samples of one line.
type sampler struct {
	samples []metrics.Sample
	tags    *metrics.TagSet
	time    time.Time
	meta    map[string]string // of all samples but the one with the record
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
// Unfinished ones are in no share, because nobody knows how they would have ended.
func (b *sampler) request(
	m *Metrics, r *record.Request, counts record.Counts, mode ITLMode, withRecord map[string]string,
) {
	b.samples = make([]metrics.Sample, 0, room(r, mode))
	b.add(m.Requests, 1, withRecord)
	if !r.Unfinished() {
		b.add(m.Failed, metrics.B(r.Failed()), b.meta)
		if r.Good != nil {
			b.add(m.Good, metrics.B(*r.Good), b.meta)
		}
	}
	delay, known := r.ScheduleDelay()
	b.latency(m.ScheduleDelay, delay, known)
	if r.Failed() {
		return
	}
	b.latency(m.Duration, r.Latency(), true)
	ttft, known := r.TTFT()
	b.latency(m.TTFT, ttft, known)
	tpot, known := r.TPOT(counts)
	b.latency(m.TPOT, tpot, known)
	ntpot, known := r.NTPOT(counts)
	b.latency(m.NTPOT, ntpot, known)
	b.itl(m, r, mode)
	if r.API == record.APISpeech || r.API == record.APITranscription {
		b.sound(m, r)
	}
	if counts.PromptSource != record.NoSource {
		b.add(m.PromptTokens, float64(counts.Prompt), b.meta)
		b.add(m.TokensIn, float64(counts.Prompt), b.meta)
	}
	if counts.CompletionSource != record.NoSource {
		b.add(m.CompletionTokens, float64(counts.Completion), b.meta)
		b.add(m.TokensOut, float64(counts.Completion), b.meta)
	}
}

// sound makes the samples of speech and of transcriptions.
func (b *sampler) sound(m *Metrics, r *record.Request) {
	first, known := record.FirstAudio(r)
	b.latency(m.FirstAudio, first, known)
	if seconds, known := record.AudioSeconds(r); known {
		factor, _ := record.RealTimeFactor(r)
		b.add(m.RealTimeFactor, factor, b.meta)
		b.add(m.AudioSeconds, seconds, b.meta)
	}
}

// room returns how many samples a request has at most, with those of an iteration.
func room(r *record.Request, mode ITLMode) int {
	switch {
	case r.Failed():
		return 6
	case mode == ITLAll:
		return 15 + len(r.Chunks)
	}
	return 16
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
