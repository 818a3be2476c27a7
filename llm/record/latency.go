package record

import "time"

// Latency returns the time from sending the request to the end of its answer.
func (r *Request) Latency() time.Duration { return time.Duration(r.End - r.Start) }

// TTFT returns the time from sending to the first non-empty content chunk, and false if none came. Role-only and empty
// chunks, reasoning and tool calls do not count. An answer that is no text has none, as it has no other figure of
// tokens below: its chunks are pieces of a sound or of a picture.
func (r *Request) TTFT() (time.Duration, bool) {
	if len(r.Chunks) == 0 || !r.Generates() {
		return 0, false
	}
	return micros(r.Chunks[0]), true
}

// TTFO returns the time from sending to the first output of any kind (content, reasoning, tool call), and false if none
// came.
func (r *Request) TTFO() (time.Duration, bool) {
	first, _, ok := r.outputSpan()
	return first, ok
}

// TTFR returns the time from sending to the first reasoning, and false if none came.
func (r *Request) TTFR() (time.Duration, bool) {
	if len(r.Reasoning) == 0 {
		return 0, false
	}
	return micros(r.Reasoning[0]), true
}

// TPOT returns the time per output token after the first, (last token − first token)/(tokens − 1), and false if there
// were fewer than two tokens or fewer than two chunks to time. The span matches what is counted: it is the span of the
// tokens if the client counted them all, and else of the chunks of any kind. c must be the result of Counts.
func (r *Request) TPOT(c Counts) (time.Duration, bool) {
	if c.Completion < 2 {
		return 0, false
	}
	var first, last time.Duration
	if c.CompletionSource == ClientTokenizer {
		first, last, _ = r.TokenSpan()
	} else {
		first, last, _ = r.outputSpan()
	}
	if last <= first {
		return 0, false
	}
	return (last - first) / time.Duration(c.Completion-1), true
}

// NTPOT returns the normalised time per output token, latency/tokens, and false without tokens. c must be the result of
// Counts.
func (r *Request) NTPOT(c Counts) (time.Duration, bool) {
	if c.Completion == 0 {
		return 0, false
	}
	return r.Latency() / time.Duration(c.Completion), true
}

// AppendTokenTimes appends the arrival of each content token after sending: with the client's tokenizer, a chunk's
// arrival once per token in it (a chunk without a token vanishes); without a tokenizer, once per chunk.
func (r *Request) AppendTokenTimes(times []time.Duration) []time.Duration {
	if !r.Generates() {
		return times
	}
	for i, us := range r.Chunks {
		n := 1
		if i < len(r.ChunkTokens) {
			n = r.ChunkTokens[i]
		}
		for range n {
			times = append(times, micros(us))
		}
	}
	return times
}

// AppendITL appends the inter-token latencies: the gaps between consecutive token times.
func (r *Request) AppendITL(gaps []time.Duration) []time.Duration {
	at := len(gaps)
	gaps = r.AppendTokenTimes(gaps)
	if len(gaps) == at {
		return gaps
	}
	for i := at; i+1 < len(gaps); i++ {
		gaps[i] = gaps[i+1] - gaps[i]
	}
	return gaps[:len(gaps)-1]
}

// MeanITL returns the mean of the request's inter-token latencies, and false with fewer than two token times.
func (r *Request) MeanITL() (time.Duration, bool) {
	// A sum of consecutive gaps is the span between the first and the last token time.
	first, last, n := r.TokenSpan()
	if n < 2 {
		return 0, false
	}
	return (last - first) / time.Duration(n-1), true
}

// ScheduleDelay returns the time from the due instant to sending, negative if the request went early, and false if no
// due instant is known. Only the first request of an iteration has one.
func (r *Request) ScheduleDelay() (time.Duration, bool) {
	if r.Due == nil {
		return 0, false
	}
	return time.Duration(r.Start - *r.Due), true
}

// TokenSpan returns the first and the last of the token times that AppendTokenTimes lists, and how many there are.
func (r *Request) TokenSpan() (first, last time.Duration, n int) {
	if len(r.Chunks) == 0 || !r.Generates() {
		return 0, 0, 0
	}
	if len(r.ChunkTokens) == 0 {
		n = len(r.Chunks)
		return micros(r.Chunks[0]), micros(r.Chunks[n-1]), n
	}
	for i, k := range r.ChunkTokens {
		if k == 0 {
			continue
		}
		if last = micros(r.Chunks[i]); n == 0 {
			first = last
		}
		n += k
	}
	return first, last, n
}

// outputSpan returns the first and the last arrival of output of any kind.
func (r *Request) outputSpan() (first, last time.Duration, ok bool) {
	if !r.Generates() {
		return 0, 0, false
	}
	for _, us := range [...][]int64{r.Chunks, r.Reasoning, r.ToolCalls} {
		if len(us) == 0 {
			continue
		}
		a, b := micros(us[0]), micros(us[len(us)-1])
		if !ok || a < first {
			first = a
		}
		if !ok || b > last {
			last = b
		}
		ok = true
	}
	return first, last, ok
}

// Wasted returns how long the failed attempts of a request took, in the unit of its arguments: from the start to the
// last attempt, or to the end of a request that failed. attempt may be 0 if there was only one.
func Wasted(failed bool, start, attempt, end int64) int64 {
	if failed {
		return end - start
	}
	return max(attempt, start) - start
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
