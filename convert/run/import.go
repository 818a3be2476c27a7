package run

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert/internal/foreign"
	"github.com/seed-307b789f/xk6-llm/convert/internal/reportdir"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fineTick is the clock of imported runs. Other tools store seconds as floating-point numbers. If their clock runs for
// some minutes, these numbers are whole multiples of this tick, so that a difference of two is rounded exactly as in
// the other tool.
var fineTick = Clock{1 << 44, 1 << 44}

// maxImported bounds the length of an imported run in seconds. fineTick counts that many seconds in 63 bits.
const maxImported = 500_000

// importer turns the requests of another tool into requests of a run.
type importer struct {
	run  *Run
	in   *foreign.Reader
	name string
	base float64 // seconds on the tool's clock at which the ticks begin
	bad  int

	baseKnown bool

	count      int64
	tokenizer  *bool // whether chunks' tokens were counted; nil if the input does not say
	manyTokens bool  // some chunk did not hold exactly one token
	offsets    []float64
	ticks      []int64
}

// importFile reads the results of another tool into a run.
func importFile(r *Run, br *bufio.Reader, format foreign.Format, name string, c *config.Config) error {
	if len(r.Runs) > 0 {
		return fmt.Errorf("%s: results of %s cannot be merged with other inputs", name, format)
	}
	in, err := foreign.Open(br, format)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	in.Bodies = r.Bodies != nil
	r.Clock, r.Origin = fineTick, string(format)
	m := &importer{run: r, in: in, name: name}
	if format == foreign.InferencePerf && c != nil {
		m.tokenizer = new(c.Tokenizer != nil)
	}
	if err := m.read(); err != nil {
		return err
	}
	m.describe(c)
	return nil
}

func (m *importer) read() error {
	for {
		q, err := m.in.Next()
		var element *foreign.ElementError
		switch {
		case errors.Is(err, io.EOF):
			m.settleTokens()
			return nil
		case errors.As(err, &element):
			m.refuse(err)
		case errors.Is(err, io.ErrUnexpectedEOF) && m.count > 0:
			m.run.Partial = true
			m.run.remark("%s: %v", m.name, err)
			m.settleTokens()
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", m.name, err)
		default:
			if err := m.add(q); err != nil {
				return fmt.Errorf("%s: request %d: %w", m.name, m.count, err)
			}
		}
	}
}

// refuse counts a request that cannot be read, or whose values are impossible, and names the first few in remarks.
func (m *importer) refuse(err error) {
	if m.bad++; m.bad <= maxBad {
		m.run.remark("%s: %v", m.name, err)
	}
	m.run.Partial = true
}

// add adds a request to the run. It builds a record first, so that the formulas of records apply, and then sets the
// times with the precision that q has.
func (m *importer) add(q *foreign.Request) error {
	if !m.baseKnown && !q.StartUnknown {
		m.base, m.baseKnown = q.Start, true
	}
	base := m.base
	if q.StartUnknown {
		base = q.Start
	}
	if !(math.Abs(q.Start-base) < maxImported) {
		return fmt.Errorf("it starts at %v and ends at %v, days from the first", q.Start, q.End)
	}
	if !(q.End-q.Start < maxImported) {
		m.refuse(fmt.Errorf("request %d: it starts at %v and ends at %v, days later", int(m.count)+m.bad, q.Start,
			q.End))
		return nil
	}
	if q.Stage < 0 { // a warm-up
		m.run.Outside++
		return nil
	}
	rec, err := m.record(q)
	if err == nil {
		err = checkImported(rec, q.EndUnknown)
	}
	if err != nil {
		m.refuse(fmt.Errorf("request %d: %w", int(m.count)+m.bad, err))
		return nil
	}
	made := m.run.fillCounted(rec, importedCounts(rec), "")
	start, end := m.tick(q.Start-base), m.tick(q.End-base)
	made.Start, made.End = start, end
	m.run.packer.details.Attempt = start + m.tick(q.RetryWasted)
	if q.Due != nil {
		made.Due, made.DueKnown = m.tick(*q.Due-base), true
	}
	if q.EndUnknown {
		made.setEndUnknown(&m.run.packer.details)
	}
	if err := m.setChunks(made, q, rec); err != nil {
		m.refuse(fmt.Errorf("request %d: %w", int(m.count)+m.bad, err))
		return nil
	}
	m.run.keep(made, rec)
	m.count++
	return nil
}

// setChunks sets what depends on the arrival times of chunks: of all chunks, or only of the first and the last.
func (m *importer) setChunks(made *Request, q *foreign.Request, rec *record.Request) error {
	if len(m.ticks) > 0 {
		made.exactSpan(&m.run.packer.details, m.ticks, rec.ChunkTokens)
		rec.Chunks = m.ticks
		return nil
	}
	first, last := q.Ends()
	if first == nil {
		return nil
	}
	end, count := unknown, 0
	if last != nil {
		end = *last
	}
	if q.ChunkCount != nil {
		count = *q.ChunkCount
	}
	if err := checkEnds(*first, end); err != nil {
		return err
	}
	made.setEnds(&m.run.packer.details, *first, end, narrow(count))
	return nil
}

// record returns a request of another tool as a record, with the precision of records.
func (m *importer) record(q *foreign.Request) (*record.Request, error) {
	rec := &record.Request{
		ID: strconv.FormatInt(m.count, 10), Scenario: m.run.Origin, Stage: q.Stage, Index: m.count,
		SessionID: q.SessionID, API: q.API, Model: q.Model, Adapter: q.Adapter,
		Streaming: q.Streaming, Start: 1, End: 1 + int64(math.Round((q.End-q.Start)*1e9)), Usage: q.Usage,
		FinishReason: q.FinishReason, Status: q.Status,
		Error: q.ErrorMessage, Retries: q.RetriesAttempted, Prompt: q.InputTokens, Completion: q.OutputTokens,
		RequestBody: q.RequestBody, ResponseBody: q.ResponseBody,
	}
	for _, m := range q.Media {
		rec.Media = append(rec.Media, record.Media{Kind: m.Kind, Width: m.Width, Height: m.Height, Frames: m.Frames,
			Seconds: m.Seconds, Bytes: m.Bytes})
	}
	rec.Inputs, rec.VectorLength, rec.Scores = wide(q.Inputs), wide(q.VectorLength), wide(q.Scores)
	switch {
	case rec.API != "":
	case rec.VectorLength != nil:
		rec.API = record.APIEmbeddings
	case rec.Scores != nil:
		rec.API = record.APIRerank
	}
	if q.ZeroUsage {
		rec.Note = record.NoteZeroUsage
	}
	if q.Turn != nil {
		rec.Turn = *q.Turn
	}
	if q.RequestSize != nil {
		rec.BytesSent = int64(*q.RequestSize)
	}
	if q.TTFTSLO != nil || q.TPOTSLO != nil {
		rec.SLO = &record.Bounds{TTFT: 1000 * orZeroFloat(q.TTFTSLO), TPOT: 1000 * orZeroFloat(q.TPOTSLO)}
	}
	if q.Failed {
		rec.ErrorType = errorType(q)
	}
	m.offsets = q.AppendOffsets(m.offsets[:0])
	m.ticks = m.ticks[:0]
	var last int64
	for _, s := range m.offsets {
		t := m.tick(s)
		if !(s >= 0 && s < maxImported) || t < last {
			return nil, fmt.Errorf("chunk times go backwards, or are out of range, at %v", s)
		}
		last = t
		m.ticks = append(m.ticks, t)
		rec.Chunks = append(rec.Chunks, int64(math.Round(s*1e6)))
	}
	rec.ChunkTokens = m.chunkTokens(q)
	return rec, nil
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}

func (m *importer) tick(seconds float64) int64 { return int64(math.Round(seconds * fineTick.Instant)) }

// chunkTokens returns the number of tokens of each chunk: how often the chunk's time occurs among the times of the
// tokens. It returns nil if the tokens were not counted.
func (m *importer) chunkTokens(q *foreign.Request) []int {
	if q.TokenTimes == nil || len(q.Chunks) == 0 || m.tokenizer != nil && !*m.tokenizer {
		return nil
	}
	counts, k := make([]int, len(q.Chunks)), 0
	for i, at := range q.Chunks {
		for k < len(q.TokenTimes) && q.TokenTimes[k] <= at {
			if q.TokenTimes[k] == at {
				counts[i]++
			}
			k++
		}
		m.manyTokens = m.manyTokens || counts[i] != 1
	}
	return counts
}

// settleTokens discards the token counts of chunks if each chunk held one token and the input does not say that tokens
// were counted: then the tool had no tokenizer, and took each chunk for a token.
func (m *importer) settleTokens() {
	m.run.Uncounted = m.tokenizer == nil && !m.manyTokens
}

func errorType(q *foreign.Request) string {
	switch {
	case q.Canceled:
		return record.ErrorCanceled
	case q.Status != 0:
		return record.ErrorHTTP
	case q.ErrorType == "":
		return "error"
	}
	return q.ErrorType
}

func orZeroFloat(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}

// exactSpan sets the span of the token times from exact ticks.
func (q *Request) exactSpan(d *Details, ticks []int64, tokens []int) {
	var first, last int64
	begun := false
	for i, at := range ticks {
		if len(tokens) > 0 && tokens[i] == 0 {
			continue
		}
		if last = at; !begun {
			first, begun = at, true
		}
	}
	d.figures[firstToken], q.TokenSpan = float64(first)/fineTick.Chunk, float64(last-first)/fineTick.Chunk
}

// describe adds the facts about the whole run, and assigns the requests to stages if the file does not.
func (m *importer) describe(c *config.Config) {
	meta := m.in.Meta()
	run := &record.Run{Schema: record.Schema, ID: filepath.Base(m.name), Versions: map[string]string{}}
	if meta.Version != "" {
		run.Versions[string(meta.Format)] = meta.Version
	}
	plan := metaStages(meta)
	if c != nil && meta.Format == foreign.InferencePerf {
		plan = configStages(c)
	}
	run.Scenarios = []record.Scenario{{Name: m.run.Origin, Executor: string(meta.Format), Stages: plan}}
	m.run.Runs = append(m.run.Runs, run)
	m.leaveOutside(meta)
	if meta.Format == foreign.InferencePerf {
		m.cutStages(plan)
	}
	if meta.Unordered {
		m.forgetStarts(meta)
	} else {
		m.forgetSpan(meta)
	}
	m.checkCounts(meta)
	if m.bad > maxBad {
		m.run.remark("%s: %d further requests could not be read", m.name, m.bad-maxBad)
	}
}

// leaveOutside leaves out requests that lie far outside of the run's duration as the tool reports it. Tools define this
// duration differently, hence the wide margin.
func (m *importer) leaveOutside(meta foreign.Meta) {
	total := 0.0
	for _, s := range meta.Stages {
		if s.Duration == nil {
			return
		}
		total += *s.Duration
	}
	if total <= 0 {
		return
	}
	most := m.tick(min(10*total+60, maxImported))
	for _, err := range leaveOutside(m.run, mark{}, lifetimes{"": {-most, most}}) {
		m.refuse(err)
	}
}

func metaStages(meta foreign.Meta) (plan []record.Stage) {
	for i, s := range meta.Stages {
		stage := record.Stage{Index: i, Rate: s.Rate}
		if s.Concurrency != nil {
			stage.Concurrency = new(int64(*s.Concurrency))
		}
		plan = append(plan, stage)
	}
	return plan
}

// configStages returns the stages that a configuration plans.
func configStages(c *config.Config) (plan []record.Stage) {
	for i, s := range c.Load.Stages.Standard {
		plan = append(plan, record.Stage{Index: i, Rate: new(s.Rate), Duration: new(float64(s.Duration))})
	}
	for i, s := range c.Load.Stages.Concurrent {
		stage := record.Stage{Index: i, Requests: s.NumRequests, Concurrency: new(s.Concurrency)}
		if s.NumRequests == nil && s.Duration != nil {
			stage.Duration = new(float64(*s.Duration))
		}
		plan = append(plan, stage)
	}
	return plan
}

// cutStages assigns the requests, in the order of their starts, to stages by the number of requests of each stage. It
// takes these numbers from the stages' reports beside the file, or else from the configuration. Stages of
// inference-perf never overlap.
func (m *importer) cutStages(plan []record.Stage) {
	slices.SortStableFunc(m.run.Requests, func(a, b *Request) int { return cmp.Compare(a.Start, b.Start) })
	for _, sizes := range []map[int]int{reportedSizes(filepath.Dir(m.name)), plannedSizes(plan)} {
		total := 0
		for _, n := range sizes {
			total += n
		}
		if total != len(m.run.Requests) || total == 0 {
			continue
		}
		at := 0
		for _, stage := range slices.Sorted(maps.Keys(sizes)) {
			for _, q := range m.run.Requests[at : at+sizes[stage]] {
				q.Stage = narrow(stage)
			}
			at += sizes[stage]
		}
		return
	}
	if len(plan) != 1 {
		m.run.remark("%s: which stage each request is of cannot be known; give --config, or leave the file beside "+
			"its stages' reports", m.name)
	}
}

// plannedSizes returns the number of requests planned for each stage. inference-perf sends rate times duration, rounded
// down.
func plannedSizes(plan []record.Stage) map[int]int {
	sizes := map[int]int{}
	for _, s := range plan {
		switch {
		case s.Requests != nil:
			sizes[s.Index] = int(*s.Requests)
		case s.Rate != nil && s.Duration != nil:
			sizes[s.Index] = int(*s.Rate * *s.Duration)
		}
	}
	return sizes
}

// maxReport bounds the size of the stage reports that are read, in bytes.
const maxReport = 64 << 20

// reportedSizes returns the number of requests of each stage as the stages' reports in a directory count them.
func reportedSizes(dir string) map[int]int {
	sizes := map[int]int{}
	for stage, path := range reportdir.Stages(dir) {
		if info, err := os.Stat(path); err != nil || info.Size() > maxReport {
			continue
		}
		text, err := os.ReadFile(path)
		if by, _, _ := reportdir.GroupOf(gjson.ParseBytes(text)); err == nil && by == "" {
			sizes[stage] = int(gjson.GetBytes(text, "load_summary.count").Int())
		}
	}
	return sizes
}
