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

// fineTick is the clock of imported runs. Other tools keep seconds as floating-point numbers; those of a clock that
// runs for some minutes are whole multiples of its tick, so that no difference of two is rounded in another way than
// theirs.
var fineTick = Clock{1 << 44, 1 << 44}

// maxImported bounds the seconds of an imported run, which fineTick counts in 63 bits.
const maxImported = 500_000

// importer makes requests of another tool's.
type importer struct {
	run  *Run
	in   *foreign.Reader
	name string
	base float64 // seconds on the tool's clock, zero of the ticks
	bad  int

	based bool

	count      int64
	tokenizer  *bool // whether chunks' tokens count, nil if nobody said
	manyTokens bool  // some chunk held another number of tokens than one
	offsets    []float64
	ticks      []int64
}

// importFile reads a file of another tool.
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
			if err := m.take(q); err != nil {
				return fmt.Errorf("%s: request %d: %w", m.name, m.count, err)
			}
		}
	}
}

// refuse leaves out a request that cannot be read, or cannot be.
func (m *importer) refuse(err error) {
	if m.bad++; m.bad <= maxBad {
		m.run.remark("%s: %v", m.name, err)
	}
	m.run.Partial = true
}

// take makes a request of q: by way of a record, whose formulas hold for it, too, and then with the times as exact as q
// has them.
func (m *importer) take(q *foreign.Request) error {
	if !m.based && !q.StartUnknown {
		m.base, m.based = q.Start, true
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
	made.Start, made.End, made.Attempt = start, end, start+m.tick(q.RetryWasted)
	if q.Due != nil {
		made.Due, made.DueKnown = m.tick(*q.Due-base), true
	}
	if q.EndUnknown {
		made.setEndUnknown()
	}
	if err := m.chunks(made, q, rec); err != nil {
		m.refuse(fmt.Errorf("request %d: %w", int(m.count)+m.bad, err))
		return nil
	}
	m.run.keep(made, rec)
	m.count++
	return nil
}

// chunks sets what depends on when chunks came, of all of them or of the first and the last.
func (m *importer) chunks(made *Request, q *foreign.Request, rec *record.Request) error {
	if len(m.ticks) > 0 {
		made.exactSpan(m.ticks, rec.ChunkTokens)
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
	made.setEnds(*first, end, narrow(count))
	return nil
}

// record holds what q tells in the precision of records.
func (m *importer) record(q *foreign.Request) (*record.Request, error) {
	rec := &record.Request{
		ID: strconv.FormatInt(m.count, 10), Scenario: m.run.Origin, Stage: q.Stage, Index: m.count,
		SessionID: q.SessionID, API: q.API, Model: q.Model, Adapter: q.Adapter,
		Streaming: q.Streaming, Start: 1, End: 1 + int64(math.Round((q.End-q.Start)*1e9)), Usage: q.Usage,
		FinishReason: q.FinishReason, Status: q.Status,
		Error: q.ErrorMessage, Retries: q.RetriesAttempted, Prompt: q.InputTokens, Completion: q.OutputTokens,
		RequestBody: q.RequestBody, ResponseBody: q.ResponseBody,
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

func (m *importer) tick(seconds float64) int64 { return int64(math.Round(seconds * fineTick.Instant)) }

// chunkTokens counts each chunk's tokens by how often its time stands among the tokens' times.
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

// settleTokens forgets the tokens of chunks where each held one throughout and nobody said that they were counted: then
// the tool had no tokenizer, and took each chunk for a token.
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

// exactSpan sets the span of the token times to that of exact ticks.
func (q *Request) exactSpan(ticks []int64, tokens []int) {
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
	q.FirstToken, q.TokenSpan = float64(first)/fineTick.Chunk, float64(last-first)/fineTick.Chunk
}

// describe adds what is known of the run, and gives the requests their stages where the file does not.
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

// leaveOutside leaves out requests that lie far outside of the time that the tool says the run took. What tools
// count as that differs, so that much is allowed.
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

// configStages are the stages a configuration asks for.
func configStages(c *config.Config) (plan []record.Stage) {
	for i, s := range c.Load.Stages.Standard {
		plan = append(plan, record.Stage{Index: i, Rate: new(s.Rate), Duration: new(float64(s.Duration))})
	}
	for i, s := range c.Load.Stages.Concurrent {
		plan = append(plan, record.Stage{Index: i, Requests: new(s.NumRequests), Concurrency: new(s.Concurrency)})
	}
	return plan
}

// cutStages parts the requests in order of their start by how many each stage had: of the stages' reports beside the
// file, else of the configuration. Stages of inference-perf never overlap.
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

// plannedSizes are the requests of each stage, of which inference-perf sends the whole number below rate times
// duration.
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

// maxReport bounds the reports of stages that are looked into.
const maxReport = 64 << 20

// reportedSizes are the requests that the stages' reports in a directory count.
func reportedSizes(dir string) map[int]int {
	sizes := map[int]int{}
	for stage, path := range reportdir.Stages(dir) {
		if info, err := os.Stat(path); err != nil || info.Size() > maxReport {
			continue
		}
		if text, err := os.ReadFile(path); err == nil {
			sizes[stage] = int(gjson.GetBytes(text, "load_summary.count").Int())
		}
	}
	return sizes
}
