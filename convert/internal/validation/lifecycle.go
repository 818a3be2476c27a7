package validation

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// lifecycle is a summary or a stage report that is being checked.
type lifecycle struct {
	scope
	doc gjson.Result
}

// checkLifecycle checks a file by itself and returns its content. The content of a file that is unfit for comparison is
// the zero Result.
func checkLifecycle(s scope, data []byte) gjson.Result {
	if err := syntax(data); err != nil {
		s.errorf("structure", "not JSON: %v", err)
		return gjson.Result{}
	}
	l := lifecycle{s, gjson.ParseBytes(data)}
	if !l.structure() {
		return gjson.Result{}
	}
	l.counts()
	l.time()
	l.load()
	l.distributions()
	l.tokens("successes")
	l.tokens("failures")
	l.throughput()
	l.goodput()
	l.mismatches()
	return l.doc
}

// syntax checks the JSON by the standard library, which bounds the nesting; gjson then reads only valid JSON.
func syntax(data []byte) error {
	var skip json.RawMessage
	return json.Unmarshal(data, &skip)
}

// sections are the members that a report must have, as objects.
var sections = [...]string{"load_summary", "successes", "successes.latency", "successes.throughput", "failures"}

// countPaths are the members that a report must have, as whole numbers.
var countPaths = [...]string{"load_summary.count", "successes.count", "failures.count"}

// structure reports whether there is enough to check the rest.
func (l lifecycle) structure() bool {
	if !l.doc.IsObject() {
		l.errorf("structure", "not an object")
		return false
	}
	whole := true
	for _, path := range sections {
		if !l.doc.Get(path).IsObject() {
			l.errorf("structure", "section %s is missing", path)
			whole = false
		}
	}
	if !whole {
		return false
	}
	for _, path := range countPaths {
		if n, ok := finite(l.doc.Get(path)); !ok || n < 0 || n != math.Trunc(n) {
			l.errorf("structure", "%s is not a count", path)
			whole = false
		}
	}
	for _, section := range [...]string{"successes", "failures"} {
		if !l.doc.Get(section+".prompt_tokens").IsObject() && !l.doc.Get(section+".prompt_len").Exists() {
			l.errorf("structure", "section %s.prompt_tokens is missing", section)
		}
	}
	return whole
}

// number returns the number at a path, and false if there is none. A value that is not a number is a finding.
func (l lifecycle) number(path string) (float64, bool) {
	v := l.doc.Get(path)
	n, ok := finite(v)
	if !ok && v.Exists() && v.Type != gjson.Null {
		l.errorf("structure", "%s is not a number", path)
	}
	return n, ok
}

// notNegative does what number does and makes a finding of a number below 0.
func (l lifecycle) notNegative(check, path string) (float64, bool) {
	n, ok := l.number(path)
	if ok && n < 0 {
		l.errorf(check, "%s is negative: %v", path, n)
	}
	return n, ok
}

func (l lifecycle) count(path string) float64 { return l.doc.Get(path).Num }

func (l lifecycle) counts() {
	all, ok, failed := l.count("load_summary.count"), l.count("successes.count"), l.count("failures.count")
	if ok+failed != all {
		l.errorf("counts", "%v successes and %v failures are not the %v requests of load_summary", ok, failed, all)
	}
}

func (l lifecycle) time() {
	t, known := l.notNegative("time", "benchmark_time_seconds")
	if n := l.count("load_summary.count"); known && t == 0 && n > 0 {
		l.warnf("time", "benchmark_time_seconds is 0 although there are %v requests", n)
	}
}

// load checks the members that only stage reports have.
func (l lifecycle) load() {
	for _, key := range [...]string{"send_duration", "requested_rate", "achieved_rate", "concurrency"} {
		l.notNegative("load", "load_summary."+key)
	}
}

// tokens checks the totals of successes or failures. Their older form has no totals.
func (l lifecycle) tokens(section string) {
	path := section + ".prompt_tokens"
	total, known := l.notNegative("tokens", path+".total")
	cached, cachedKnown := l.notNegative("tokens", path+".cached")
	uncached, uncachedKnown := l.notNegative("tokens", path+".uncached")
	if known && cachedKnown && above(cached, total) {
		l.errorf("tokens", "%s: %v cached of %v", path, cached, total)
	}
	if known && cachedKnown && uncachedKnown && !equal(uncached, max(total-cached, 0)) {
		l.errorf("tokens", "%s: %v uncached is not %v less %v cached", path, uncached, total, cached)
	}
	l.total(section, path)
	l.total(section, section+".output_tokens")
}

// total checks that a total is the mean multiplied by the count of the section.
func (l lifecycle) total(section, path string) {
	total, known := l.number(path + ".total")
	mean, meanKnown := finite(l.doc.Get(path + ".mean"))
	n := l.count(section + ".count")
	if path == "successes.output_tokens" {
		n -= l.textless()
	}
	switch {
	case known && n == 0 && total != 0:
		l.errorf("tokens", "%s: a total of %v without a request", path, total)
	case path == "successes.prompt_tokens" && l.uncountedPrompts():
	case known && meanKnown && !equal(total, mean*n):
		l.errorf("tokens", "%s: total %v is not the mean %v of %v requests", path, total, mean, n)
	}
}

// uncountedPrompts reports whether there are successes for sounds, pictures or videos. Servers seldom count their
// prompts.
func (l lifecycle) uncountedPrompts() bool {
	return slices.ContainsFunc(record.MediaAnswers[:], func(api string) bool {
		return l.doc.Get("xk6_llm."+api+".requests").Num > 0
	})
}

// textless returns the number of successes that generate no text. They have no output tokens, and bounds on those do
// not judge them.
func (l lifecycle) textless() (n float64) {
	l.doc.Get("xk6_llm.inputs").ForEach(func(_, of gjson.Result) bool {
		n += of.Get("requests").Float()
		return true
	})
	for _, api := range record.MediaAnswers {
		n += l.doc.Get("xk6_llm." + api + ".requests").Float()
	}
	return n
}

// throughput checks the rates against each other, and against the counts they are made of.
func (l lifecycle) throughput() {
	rates := map[string]float64{}
	l.doc.Get("successes.throughput").ForEach(func(key, _ gjson.Result) bool {
		if strings.HasSuffix(key.Str, "_per_sec") && plain(key.Str) {
			if rate, ok := l.notNegative("throughput", "successes.throughput."+key.Str); ok {
				rates[key.Str] = rate
			}
		}
		return true
	})
	in, hasIn := rates["input_tokens_per_sec"]
	out, hasOut := rates["output_tokens_per_sec"]
	if all, ok := rates["total_tokens_per_sec"]; ok && hasIn && hasOut && !equal(all, in+out) {
		l.errorf("throughput", "total_tokens_per_sec %v is not input %v and output %v", all, in, out)
	}
	t, known := finite(l.doc.Get("benchmark_time_seconds"))
	if !known || t <= 0 {
		return
	}
	for _, rate := range [...]struct{ key, of string }{
		{"requests_per_sec", "successes.count"}, {"input_tokens_per_sec", "successes.prompt_tokens.total"},
	} {
		got, ok := rates[rate.key]
		if n, counted := finite(l.doc.Get(rate.of)); ok && counted && !equal(got*t, n) {
			l.errorf("throughput", "%s %v is not %s %v in %v s", rate.key, got, rate.of, n, t)
		}
	}
}

// plain reports whether a key can be used as a gjson path without escapes.
func plain(key string) bool { return strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") == "" }

// goodput checks the keys that are present: they differ between versions of inference-perf.
func (l lifecycle) goodput() {
	block := l.doc.Get("successes.goodput_metrics")
	block.ForEach(func(key, value gjson.Result) bool {
		if value.Type != gjson.Number || !plain(key.Str) {
			return true
		}
		v, ok := l.notNegative("goodput", "successes.goodput_metrics."+key.Str)
		if ok && strings.HasSuffix(key.Str, "_percentage") && above(v, 100) {
			l.errorf("goodput", "%s is above 100: %v", key.Str, v)
		}
		return true
	})
	good, hasGood := finite(block.Get("good_requests"))
	total, hasTotal := finite(block.Get("total_requests"))
	share, hasShare := finite(block.Get("goodput_percentage"))
	if n := l.count("successes.count"); hasTotal && (total > n || total < n-l.textless()) {
		l.errorf("goodput", "total_requests %v is not the %v successes", total, n)
	}
	if hasGood && hasTotal && good > total {
		l.errorf("goodput", "good_requests %v is above total_requests %v", good, total)
	}
	if hasGood && hasTotal && hasShare && total > 0 && !equal(share, 100*good/total) {
		l.errorf("goodput", "goodput_percentage %v is not %v of %v requests", share, good, total)
	}
}

func (l lifecycle) mismatches() {
	const path = "successes.token_count_mismatches"
	if n, ok := l.notNegative("token_mismatches", path); ok && n > 0 {
		l.warnf("token_mismatches",
			"%v request(s) where the client-side token count disagrees with the server-reported completion_tokens", n)
	}
}
