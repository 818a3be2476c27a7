package page

import (
	"math"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// glanceColumn is a column of the table of all stages.
type glanceColumn struct {
	column
	cell func(part) cell
}

// glanceColumns are the figures that readers look for first, those that fit on a phone before the others.
var glanceColumns = []glanceColumn{
	{column{"asked", "/s", "requests per second that the stage was to send, sessions of a replay, or iterations that " +
		"send several requests; of a ramp the mean"}, func(p part) cell {
		return right(p.unit(exactly(p.asked())))
	}},
	{column{"at a time", "", "requests, sessions of a replay, or iterations of several requests that the stage kept " +
		"open"}, func(p part) cell {
		return right(p.unit(exactly(p.atATime())))
	}},
	{column{"search", "", "what the search said of this load: pass or fail, certain if it holds at the confidence of " +
		"the search; holds and breaks mark the two loads between which the answer lies"}, probeCell},
	{column{"SLO kept", "", "share of the requests that kept the SLO, or what broke it; a failed request and a " +
		"dropped arrival are over every bound; the p99 of an SLO is the latency of the request that decides, those " +
		"of the other columns lie between two requests"}, sloCell},
	ofFigure("TTFT", ttft, "p50"), ofFigure("TTFT", ttft, "p99"), ofFigure("ITL", itl, "p50"),
	ofFigure("ITL", itl, "p99"), ofFigure("first audio", firstAudio, "p50"), ofFigure("first audio", firstAudio, "p99"),
	{column{"RTF", "p50", "latency / seconds of sound, of speech and of transcriptions: above 1, slower than the " +
		"sound plays; median"}, func(p part) cell { return right(digits(realTime(p.doc))) }},
	{column{"continuous", "", "share of the speeches of which a player that begins at once misses at most 0.1 s"},
		func(p part) cell {
			return right(percent(100 * number(p.doc.Get("xk6_llm.speech.players.0.continuity_ok"))))
		}},
	ofFigure("latency", requestLatency, "p50"), ofFigure("latency", requestLatency, "p99"),
	ofFigure("NTPOT", ntpot, "p50"),
	{column{"failed", "", "share of the requests that failed; those that were unfinished at the end do not count"},
		failedCell},
	{column{"sent", "/s", "requests sent per second: one less than there are, over the time from the first start " +
		"to the last; the mean of a stage whose rate changes"}, func(p part) cell {
		if p.loops || p.atATime() > 0 { // it sends in bunches, as answers end
			return right(missing)
		}
		return right(digits(achieved(p.doc)))
	}},
	{column{"done", "/s", "successes per second"}, func(p part) cell { return right(digits(p.done())) }},
	{column{"inputs", "/s", "texts of embeddings, or documents of a rerank, of the successes per second"},
		func(p part) cell { return right(digits(inputRate(p.doc))) }},
	ofMedia("images", "pictures of prompts, or of the answers of the API image"),
	ofMedia("videos", "videos of prompts, or of the answers of the API video"),
	ofMedia("audios", "sounds of prompts, or of the answers of the API speech"),
	{column{"output", "tok/s", "output tokens of the successes per second"}, func(p part) cell {
		return right(digits(outputRate(p.doc)))
	}},
	{column{"input", "tok/s", "prompt tokens of the successes per second"}, func(p part) cell {
		return right(digits(throughput(p.doc, "input_tokens")))
	}},
	{column{"requests", "", "requests sent"}, func(p part) cell {
		if sent := p.doc.Get("xk6_llm.requests.sent"); sent.Exists() {
			return right(count(sent)) // load_summary leaves out those whose users left
		}
		return right(count(p.doc.Get("load_summary.count")))
	}},
	{column{"left", "", "requests whose users left before their answers were over; they are in no latency"},
		someCell("xk6_llm.abandoned.requests")},
	{column{"dropped", "", "arrivals that were never sent"}, someCell("xk6_llm.requests.dropped")},
	{column{"unfinished", "", "requests that were open at the end of the run, or of their probe"},
		someCell("xk6_llm.requests.canceled")},
	{column{"client", "", "did the load generator keep up in this part of the run?"}, clientCell},
}

// realTime returns the median of the real-time factors of speech, or else of transcriptions.
func realTime(doc gjson.Result) float64 {
	for _, api := range [...]string{"speech", "transcription"} {
		if factor := doc.Get("xk6_llm." + api + ".real_time_factor.median"); factor.Exists() {
			return number(factor)
		}
	}
	return math.NaN()
}

// ofMedia returns the column of a rate of media, which only runs with such media have.
func ofMedia(name, meaning string) glanceColumn {
	return glanceColumn{column{name, "/s", meaning + ", of the successes per second"}, func(p part) cell {
		if rate := throughput(p.doc, name); rate > 0 {
			return right(digits(rate))
		}
		return right(missing)
	}}
}

func right(text string) cell { return cell{Text: text, Class: "n"} }

// ofFigure returns the column of a statistic of a figure.
func ofFigure(name string, f figure, statistic string) glanceColumn {
	of := map[string]string{"p50": "median", "p99": "99 % of the values are no larger"}[statistic]
	return glanceColumn{column{name, statistic + " ms", f.meaning + "; " + of}, func(p part) cell {
		return f.cell(p.doc, statistic)
	}}
}

// someCell returns a cell of a number that is of interest only if it is not 0.
func someCell(path string) func(part) cell {
	return func(p part) cell {
		if n := number(p.doc.Get(path)); n > 0 {
			return right(whole(n))
		}
		return right(missing)
	}
}

func failedCell(p part) cell {
	c := right(percent(failedShare(p.doc)))
	if failedShare(p.doc) > failedUpTo {
		c.Class += " bad"
	}
	return c
}

// clientCell has the verdict on the load generator, with its reasons.
func clientCell(p part) cell {
	health := p.doc.Get("xk6_llm.client_health")
	text := health.Get("verdict").String()
	if text == "" {
		return cell{Text: missing, Class: "v"}
	}
	c := cell{Text: plain.Terminal(text), Class: "v", Meaning: strings.Join(texts(health.Get("reasons")), "; ")}
	if word, known := verdicts[text]; known {
		c.Class += " " + word[0]
	}
	return c
}

// doubts returns why stages of a run that is VALID are not.
func (r *Run) doubts() []string {
	if r.verdict() != convert.Valid || len(r.stages) < 2 {
		return nil
	}
	var list []convert.Doubt
	repeated := convert.RepeatedStages(r.searches)
	for _, s := range r.stages {
		if repeated[s.index] {
			continue
		}
		health := s.doc.Get("xk6_llm.client_health")
		list = append(list, convert.Doubt{Stage: s.title(), Verdict: health.Get("verdict").String(),
			Reasons: texts(health.Get("reasons"))})
	}
	return convert.Doubts(list)
}
