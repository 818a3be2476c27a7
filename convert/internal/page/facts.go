package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// fact is a line of information about a run besides its figures.
type fact struct{ name, value string }

// The facts, in the order of the page.
var factOrder = []string{
	"Model", "Server", "API", "Load", "Warm-up", "SLO", "Started (UTC)", "Took", "Instances", "Tokens", "Due instants",
	"Users who left", "Their places", "Left out", "Left out of latencies", "Imported from", "Run", "Versions",
	"Passport", "Audits",
}

// ofPairs is the fact that is told at the top of the page, and not among the others.
const ofPairs = "Pairs"

// factsOf returns the facts that are in the records.
func factsOf(p *convert.Report) (list []fact) {
	r := p.Run()
	add := func(name, value string) { list = append(list, fact{name, value}) }
	models, apis := map[string]bool{}, map[string]bool{}
	var last *run.Traits
	for _, q := range r.Requests {
		if q.Traits != last { // many requests share one
			models[q.Model], apis[apiName(q.API, q.Streaming)] = true, true
			last = q.Traits
		}
	}
	add("Model", joined(models))
	add("API", joined(apis))
	servers := map[string]bool{}
	for _, c := range r.Clients {
		for _, base := range basesOf(c) {
			servers[address(base)] = true
		}
	}
	add("Server", joined(servers))
	if convert.Paired(r) {
		add(ofPairs, convert.PairsText)
	}
	scenarios := scenariosOf(p)
	add("Load", plannedLoad(scenarios))
	add("Warm-up", cmp.Or(warmups(r), plannedWarmup(scenarios)))
	if n := len(r.Runs); n > 0 {
		if r.Origin == "" { // other tools do not record it, or by another clock
			add("Started (UTC)", instant(r.Runs[0].Start))
		}
		add("Instances", fmt.Sprint(n))
	}
	return list
}

// configured adds the facts of the configuration in a report directory, if it can be read.
func (r *Run) configured(dir string) {
	c, err := configIn(dir)
	if err != nil {
		return // the page has fewer facts
	}
	add := func(name, value string) { r.facts = append(r.facts, fact{name, value}) }
	add("API", apiName(string(c.API.Type), c.API.Streaming))
	if c.Server != nil {
		add("Model", c.Server.ModelName)
		add("Server", address(c.Server.BaseURL))
	}
	if c.Report.Goodput != nil {
		if o, _, err := convert.Configured(c); err == nil {
			r.bounds = boundsOf(o.SLO)
		}
	}
	add("Load", configuredLoad(c))
}

// finishFacts adds the facts of the report itself.
func (r *Run) finishFacts() {
	r.takeObjectives()
	ours := r.summary.Get("xk6_llm")
	add := func(name, value string) { r.facts = append(r.facts, fact{name, value}) }
	add("SLO", r.slo())
	if took := number(r.summary.Get("benchmark_time_seconds")); !math.IsNaN(took) {
		add("Took", tookText(r.searches, took))
	}
	if start := ours.Get("time_series.start_ns").Int(); start > 0 {
		add("Started (UTC)", instant(start))
	}
	add("Tokens", tokenSources(ours.Get("tokens.output_source")))
	add("Versions", versions(ours.Get("versions")))
	add("Run", ours.Get("run_id").String())
	add("Passport", passport(ours.Get("passport")))
	add("Audits", audits(ours.Get("passport.audits")))
	add("Imported from", ours.Get("imported_from").String())
	add("Due instants", dueSources(ours.Get("schedule")))
	if n := ours.Get("abandoned.requests").Int(); n > 0 {
		add("Users who left", fmt.Sprintf("%d, %.3g %% of what was sent, after %s ms at the median", n,
			100*ours.Get("abandoned.share").Float(), milliseconds(ours.Get("abandoned.seconds.median").Float())))
		add("Their places", places(ours.Get("abandoned.audit")))
	}
	if left := ours.Get("window.requests_left_out").Int(); left > 0 {
		add("Left out", fmt.Sprintf("%d requests (by --warmup, --stage-warmup, --cooldown, --steady, --stage or "+
			"--adapter)",
			left))
	}
	if late := ours.Get("window.late_requests_left_out").Int(); late > 0 {
		add("Left out of latencies", fmt.Sprintf("%d requests that may have been read late (by --exclude-late)", late))
	}
}

// places says whether the server freed the places of users who left, "" if nothing tells.
func places(audit gjson.Result) string {
	var a convert.LeavingAudit
	if json.Unmarshal([]byte(audit.Raw), &a) != nil || a.Verdict == "" {
		return ""
	}
	return a.String()
}

// dueSources returns where the due instants come from unless every request has recorded its own. A closed loop has
// none.
func dueSources(schedule gjson.Result) string {
	for _, s := range schedule.Array() {
		if s.Get("source").String() == run.ScheduleFitted {
			return "computed from the executor's schedule"
		}
	}
	return ""
}

// sourceNames say in words who counted tokens.
var sourceNames = map[record.Source]string{
	record.ServerUsage: "the server's counts", record.ClientTokenizer: "the tokenizer's counts",
	record.ClientRaw: "the tokenizer's counts of the texts alone", record.ContentChunks: "each chunk counted as one",
	record.NoSource: "not counted",
}

// tokenSources says who counted the output tokens, and of how many answers if several did.
func tokenSources(sources gjson.Result) string {
	counts := sources.Map()
	var parts []string
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		name := cmp.Or(sourceNames[record.Source(source)], source)
		if len(counts) > 1 {
			name += fmt.Sprintf(" (%s answers)", whole(counts[source].Float()))
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, ", ")
}

// noVersion begins the version that Go gives to a program of which it knows none.
const noVersion = "v0.0.0-00010101000000"

// versions returns the versions of the programs that made the run, without those that say nothing.
func versions(object gjson.Result) string {
	var parts []string
	object.ForEach(func(key, value gjson.Result) bool {
		name, version := key.String(), value.String()
		if version != "" && !strings.HasPrefix(version, noVersion) {
			parts = append(parts, strings.TrimPrefix(name+" "+version, "go "))
		}
		return true
	})
	return strings.Join(parts, ", ")
}

// fact returns the first known value of a fact, or "" if none is known.
func (r *Run) fact(name string) string {
	for _, f := range r.facts {
		if f.name == name && f.value != "" {
			return plain.Terminal(f.value)
		}
	}
	return ""
}

// warnings returns what a reader must know about the reliability of the figures.
func (r *Run) warnings() []string {
	list := texts(r.summary.Get("xk6_llm.warnings"))
	if r.summary.Get("xk6_llm.partial").Bool() {
		list = append([]string{"PARTIAL: something of the run is missing"}, list...)
	}
	return list
}

// basesOf returns the base URLs of a client, which may have several endpoints.
func basesOf(c *record.Client) (list []string) {
	switch base := c.Options["baseURL"].(type) {
	case string:
		return []string{base}
	case []any:
		for _, each := range base {
			list = append(list, fmt.Sprint(each))
		}
	}
	return list
}

// address returns the address of a server without a user, a password and possible secrets of a query. It leaves out
// options of the simulator that are files, because they concern this machine only.
func address(base string) string {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return "(not a URL)"
	case u.Scheme == "sim":
		options := strings.Split(u.RawQuery, "&")
		options = slices.DeleteFunc(options, func(o string) bool { return strings.ContainsAny(o, `/\%`) })
		return strings.TrimSuffix("simulator: "+strings.Join(options, " "), ": ")
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

func apiName(api string, streaming bool) string {
	switch {
	case api == "":
		return ""
	case streaming:
		return api + ", streaming"
	}
	return api + ", not streaming"
}

func joined(set map[string]bool) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(set)), func(name string) bool { return name == "" })
	if len(names) > maxNames {
		names = append(names[:maxNames], fmt.Sprintf("and %d more", len(names)-maxNames))
	}
	return strings.Join(names, "; ")
}

// maxNames bounds the number of names in a line.
const maxNames = 8

func instant(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05") }

// tookText says how long a run took. The figures of a search are of less: its probes have transients.
func tookText(all searches, measured float64) string {
	probed := convert.ProbedSeconds(all)
	if probed <= measured {
		return spell(measured)
	}
	return fmt.Sprintf("%s, without transients %s", convert.Minutes(probed), spell(measured))
}

// spell formats a measured number of seconds for people.
func spell(seconds float64) string {
	if seconds < 120 {
		return digits(seconds) + " s"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// lasting formats a number of seconds that somebody chose.
func lasting(seconds float64) string {
	switch {
	case seconds >= 120 && math.Mod(seconds, 60) == 0:
		return exactly(seconds/60) + " min"
	case seconds >= 120:
		return spell(seconds)
	}
	return exactly(seconds) + " s"
}

// configuredLoad returns the number and the kind of a configuration's stages, as text, or what a search goes over.
func configuredLoad(c *config.Config) string {
	if over := c.Own.SearchOver(); over != "" {
		return fmt.Sprintf("%s, search over %s", c.Load.Type, over)
	}
	return fmt.Sprintf("%s, %d stages", c.Load.Type, c.Load.Stages.Len())
}
