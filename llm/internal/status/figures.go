package status

import (
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// figures adds up requests: those of a stage, or all.
type figures struct {
	requests, ok, failed, unfinished int64
	left                             int64             // of users who left, which are not among the unfinished
	judged, good                     int64             // requests with bounds, and those within them
	tokens                           int64             // of the answers
	texts                            int64             // successes that generate text
	inputs                           int64             // of the successes that do not
	made                             [len(kinds)]int64 // images, videos and audios of these
	starts, ends                     span              // of all requests, and of the successes
	last                             int64             // end of the last request; Unix nanoseconds

	ttft, itl histogram
}

// span is the time from the first of some instants to the last, with how many there are. Instants are Unix nanoseconds.
type span struct{ n, first, last int64 }

func (s *span) add(at int64) {
	if s.n == 0 || at < s.first {
		s.first = at
	}
	s.last = max(s.last, at)
	s.n++
}

func (s *span) merge(other span) {
	if s.n == 0 || other.n > 0 && other.first < s.first {
		s.first = other.first
	}
	s.last = max(s.last, other.last)
	s.n += other.n
}

// rate returns the instants per second, over the gaps between them: n instants have n−1 gaps. It returns false if there
// are fewer than two.
func (s *span) rate() (float64, bool) {
	if s.n < 2 || s.last <= s.first {
		return 0, false
	}
	return float64(s.n-1) / (float64(s.last-s.first) / 1e9), true
}

// add counts a finished request, and how many tokens its answer has.
func (f *figures) add(r *record.Request, tokens int) {
	f.requests++
	f.starts.add(r.Start)
	f.last = max(f.last, r.End)
	switch {
	case r.ErrorType == record.ErrorAbandoned:
		f.left++
		return
	case r.Unfinished():
		f.unfinished++
		return
	}
	if r.Good != nil {
		f.judged++
		if *r.Good {
			f.good++
		}
	}
	if r.Failed() {
		f.failed++
		return
	}
	f.ok++
	f.ends.add(r.End)
	f.tokens += int64(tokens)
	if r.Inputs != nil {
		f.inputs += *r.Inputs
	}
	if n := made(r); n > 0 {
		f.made[kindOf(r)] += n
	}
	if ttft, known := r.TTFT(); known {
		f.ttft.add(ttft)
	}
	if r.Generates() {
		f.texts++
		f.itl.addGaps(r)
	}
}

// ended returns how many requests succeeded or failed.
func (f *figures) ended() int64 { return f.ok + f.failed }

// addGaps counts the gaps between the token times of a request, as record.Request.AppendITL lists them.
func (h *histogram) addGaps(r *record.Request) {
	if len(r.ChunkTokens) == 0 {
		for i := 1; i < len(r.Chunks); i++ {
			h.addMicros(r.Chunks[i] - r.Chunks[i-1])
		}
		return
	}
	last := int64(-1)
	for i, us := range r.Chunks {
		n := 1
		if i < len(r.ChunkTokens) {
			n = r.ChunkTokens[i]
		}
		for range n {
			if last >= 0 {
				h.addMicros(us - last)
			}
			last = us
		}
	}
}

// merge adds the figures of other requests.
func (f *figures) merge(other *figures) {
	f.requests, f.ok = f.requests+other.requests, f.ok+other.ok
	f.failed, f.unfinished = f.failed+other.failed, f.unfinished+other.unfinished
	f.left += other.left
	f.judged, f.good, f.tokens = f.judged+other.judged, f.good+other.good, f.tokens+other.tokens
	f.texts, f.inputs = f.texts+other.texts, f.inputs+other.inputs
	for k := range kinds {
		f.made[k] += other.made[k]
	}
	f.starts.merge(other.starts)
	f.ends.merge(other.ends)
	f.last = max(f.last, other.last)
	f.ttft.merge(&other.ttft)
	f.itl.merge(&other.itl)
}

// throughput returns the tokens per second from the first start to the last end, as the report does. It returns false
// if no answer is text, or no time passed.
func (f *figures) throughput() (float64, bool) { return f.perSecond(f.tokens, f.texts > 0) }

// intake returns the inputs per second over the same time. It returns false if no request had any, or no time passed.
func (f *figures) intake() (float64, bool) { return f.perSecond(f.inputs, f.inputs > 0) }

// output returns the media of a kind per second over the same time, likewise.
func (f *figures) output(k int) (float64, bool) { return f.perSecond(f.made[k], f.made[k] > 0) }

func (f *figures) perSecond(n int64, known bool) (float64, bool) {
	if !known || f.last <= f.starts.first {
		return 0, false
	}
	return float64(n) / (float64(f.last-f.starts.first) / 1e9), true
}

// totals are the figures of the run that no stage has.
type totals struct {
	tpot, ntpot, latency, delay histogram
	late                        histogram // delay but of later turns, which wait for answers by design
	later                       bool      // some iterations sent several requests
	sessions                    bool      // conversations were led: a late one may have waited for its turn
	prompt, output              int64
	promptKnown, outputKnown    int64           // successes whose tokens were counted
	inputs, inputsKnown         int64           // of successes that generate no tokens: texts, documents
	made                        [len(kinds)]sum // images, videos and audios of successes that generate no tokens
	outside, outsideOK          int64           // requests of setup and teardown, which are in no other figure
	warmup                      int64           // requests of warm-ups, likewise

	perMade    [len(kinds)]histogram // latency for each image or video of an answer
	firstAudio histogram             // time to the first sound
	factor     histogram             // real-time factors, where a second stands for 1
	sound      float64               // seconds of sound that answers are, or that were written down
}

// add counts a request of a stage.
func (t *totals) add(r *record.Request, c record.Counts) {
	t.sessions, t.later = t.sessions || r.SessionID != "", t.later || r.Seq > 0
	if delay, known := r.ScheduleDelay(); known {
		t.delay.add(delay)
		if r.Turn == 0 {
			t.late.add(delay)
		}
	}
	if r.Failed() {
		return
	}
	t.latency.add(r.Latency())
	if tpot, known := r.TPOT(c); known {
		t.tpot.add(tpot)
	}
	if ntpot, known := r.NTPOT(c); known {
		t.ntpot.add(ntpot)
	}
	if r.Inputs != nil {
		t.inputs, t.inputsKnown = t.inputs+*r.Inputs, t.inputsKnown+1
	}
	if n := made(r); n > 0 {
		k := kindOf(r)
		t.made[k].total, t.made[k].known = t.made[k].total+n, t.made[k].known+1
		t.perMade[k].add(r.Latency() / time.Duration(n))
	}
	t.addSound(r)
	if c.PromptSource != record.NoSource {
		t.prompt, t.promptKnown = t.prompt+int64(c.Prompt), t.promptKnown+1
	}
	if c.CompletionSource != record.NoSource {
		t.output, t.outputKnown = t.output+int64(c.Completion), t.outputKnown+1
	}
}

// addSound counts the sound of a success.
func (t *totals) addSound(r *record.Request) {
	if first, known := record.FirstAudio(r); known {
		t.firstAudio.add(first)
	}
	if factor, known := record.RealTimeFactor(r); known {
		seconds, _ := record.AudioSeconds(r)
		t.sound += seconds
		t.factor.add(time.Duration(factor * float64(time.Second)))
	}
}

// kinds are the media that answers are, and their names in the plural.
var kinds = [...]struct{ kind, plural string }{
	{record.MediaImage, "images"}, {record.MediaVideo, "videos"}, {record.MediaAudio, "audios"},
}

// kindOf returns the index of what the answer is.
func kindOf(r *record.Request) int {
	for k := range kinds {
		if r.Output[0].Kind == kinds[k].kind {
			return k
		}
	}
	return 0
}

// answered returns how many successes made media.
func (t *totals) answered() (n int64) {
	for k := range kinds {
		n += t.made[k].known
	}
	return n
}

// several stands for a kind where answers are of several.
const several = "answers"

// madeOf names what the answers are, and returns "" without any.
func (t *totals) madeOf() (name string) {
	for k := range kinds {
		switch {
		case t.made[k].known == 0:
		case name == "":
			name = kinds[k].plural
		default:
			return several
		}
	}
	return name
}

// made returns how many pictures, videos or sounds the answer is, 0 of a text.
func made(r *record.Request) int64 {
	if r.Generates() {
		return 0
	}
	return int64(len(r.Output))
}
