package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// SessionLifecycle is inference-perf's report on the sessions of a replay: of the run or of a stage. Times are seconds.
// Sessions that the end of the load cut, or whose users left, are in no figure of it, but in those of its additions.
type SessionLifecycle struct {
	Stage        *StageMetadata  `json:"stage_metadata,omitempty"`
	Sessions     int             `json:"num_sessions"`
	Succeeded    int             `json:"num_sessions_succeeded"`
	Failed       int             `json:"num_sessions_failed"`
	Failures     SessionFailures `json:"failures"`
	Events       int             `json:"total_events"` // calls
	Completed    int             `json:"total_events_completed"`
	Cancelled    int             `json:"total_events_cancelled"`
	Substituting int             `json:"sessions_with_recorded_substitution"`
	Substituted  Substitutions   `json:"total_recorded_substitutions"`
	Retrying     int             `json:"sessions_with_retries,omitempty"`
	Retries      int             `json:"total_retry_attempts,omitempty"`
	Recovered    *int            `json:"total_retries_recovered,omitempty"`
	Rate         Float           `json:"sessions_per_second"`

	Duration     *Distribution `json:"session_duration_sec"`
	Calls        *Distribution `json:"num_events"`
	CancelledPer *Distribution `json:"num_events_cancelled"`
	Input        *Distribution `json:"total_input_tokens"`
	Output       *Distribution `json:"total_output_tokens"`
	Cached       *Distribution `json:"total_cached_tokens"`
	Cacheable    *Distribution `json:"total_cacheable_input_tokens"`
	WithCache    int           `json:"sessions_with_cache_info"`
	Hit          *Float        `json:"kv_cache_hit_percent"`
	HitPer       *Distribution `json:"kv_cache_hit_per_session_percent"`
	TFUT         *Distribution `json:"tfut_sec"`
	WithTFUT     int           `json:"sessions_with_tfut"`
	TFUTNone     reasonCounts  `json:"tfut_none_reasons"`
	UserFacing   *Distribution `json:"num_user_facing_events"`
	Structured   *Distribution `json:"num_structured_output_excluded"`

	Additions *SessionAdditions `json:"xk6_llm"`
}

// StageMetadata tells how a stage of sessions went.
type StageMetadata struct {
	ID          int    `json:"stage_id"`
	Status      string `json:"status"`
	Timeout     *Float `json:"timeout_configured"`
	Duration    Float  `json:"actual_duration"`   // of the load
	Teardown    Float  `json:"teardown_duration"` // from the load's end to that of the last session
	Dropped     int    `json:"dropped_requests"`  // calls of sessions that were cut, which were not sent
	Concurrency *int64 `json:"concurrent_sessions"`
	Rate        *Float `json:"session_rate"`
}

// SessionFailures counts the sessions that failed, by cause.
type SessionFailures struct {
	Count   int           `json:"count"`
	ByLabel sessionLabels `json:"by_label"`
}

// Substitutions counts the recorded tool calls that took the place of live ones.
type Substitutions struct {
	Count    int              `json:"count"`
	Messages []sessionMessage `json:"messages"`
}

// sessionMessage is a message with the sessions that it is about.
type sessionMessage struct {
	Text     string   `json:"message"`
	Sessions []string `json:"session_ids"`
}

// SessionAdditions holds the figures that inference-perf's report on sessions does not have, under the key xk6_llm.
type SessionAdditions struct {
	Planned      *int64             `json:"planned_sessions"` // nil unless the stages say how many
	Begun        int                `json:"begun_sessions"`
	Unfinished   UnfinishedSessions `json:"unfinished"`
	CriticalPath PathSums           `json:"critical_path"`
	Fidelity     Fidelity           `json:"fidelity"`
	Reuse        *Reuse             `json:"prefix_reuse"` // null if no blocks are recorded
	Meaning      map[string]string  `json:"definitions"`
}

// UnfinishedSessions counts the sessions that the end of the load cut, or whose users left.
type UnfinishedSessions struct {
	Sessions  int `json:"sessions"`
	Abandoned int `json:"abandoned,omitempty"` // of them, those whose users left
	Calls     int `json:"calls"`               // of their graphs, as far as they are known
	Sent      int `json:"calls_sent"`
	Completed int `json:"calls_completed"`
}

// why tells what became of the sessions.
func (u *UnfinishedSessions) why() string {
	const cut, left = "cut by the end of the load", "left by their users"
	switch u.Abandoned {
	case 0:
		return cut
	case u.Sessions:
		return left
	}
	return fmt.Sprintf("%s (%d) or %s (%d)", cut, u.Sessions-u.Abandoned, left, u.Abandoned)
}

// PathSums tells what the time of the sessions was spent on, in seconds a session. For each session the kinds add up to
// its duration.
type PathSums struct {
	Model   PathSum `json:"model"`
	Tool    PathSum `json:"tool"`
	Think   PathSum `json:"think"`
	Pause   PathSum `json:"pause"`
	Waiting PathSum `json:"waiting"`
}

// PathSum is a part of the sessions' time.
type PathSum struct {
	Share      Maybe         `json:"share"` // of the duration of all sessions, 0 to 1
	PerSession *Distribution `json:"per_session"`
}

// ReplayedSessions returns the sessions of the report's run, in order of start. [CriticalPath] tells what the time of
// each was spent on.
func ReplayedSessions(p *Report) []*run.Session { return p.run.Sessions }

// newSessionReports returns the reports on all sessions of a run and on those of each stage; nil without sessions.
func newSessionReports(r *run.Run, o Options, known map[*run.Request]knownBlocks) (all *SessionLifecycle,
	stages map[int]*SessionLifecycle) {
	if len(r.Sessions) == 0 {
		return nil, nil
	}
	g := &subset{run: r, opts: o.withDefaults()}
	byStage := map[int][]*run.Session{}
	for _, s := range r.Sessions {
		byStage[s.Stage] = append(byStage[s.Stage], s)
	}
	stages = map[int]*SessionLifecycle{}
	for stage, sessions := range byStage {
		stages[stage] = sessionReport(g, sessions, known)
		stages[stage].Stage = stageMetadata(r, stage, sessions)
		stages[stage].Additions.Planned = plannedIn(r, stage)
	}
	all = sessionReport(g, r.Sessions, known)
	all.Additions.Planned = plannedSessions(r)
	return all, stages
}

// plannedSessions returns how many sessions the stages of scenarios with sessions are to begin, nil if one of them does
// not say.
func plannedSessions(r *run.Run) *int64 {
	with, all := map[string]bool{}, int64(0)
	for _, s := range r.Sessions {
		with[s.Scenario] = true
	}
	for _, scenario := range r.Scenarios() {
		for _, stage := range scenario.Stages {
			if !with[scenario.Name] {
				continue
			}
			planned := plannedIn(r, stage.Index)
			if planned == nil {
				return nil
			}
			all += *planned
		}
	}
	if all == 0 {
		return nil
	}
	return &all
}

// sessionReport returns the report on some sessions.
func sessionReport(g *subset, sessions []*run.Session, known map[*run.Request]knownBlocks) *SessionLifecycle {
	l := &SessionLifecycle{Additions: &SessionAdditions{Meaning: sessionDefinitions}}
	var facts []sessionFacts
	for _, s := range sessions {
		if s.Unfinished() {
			l.Additions.Unfinished.add(s)
			continue
		}
		facts = append(facts, factsOf(g, s))
	}
	l.Additions.Begun = len(sessions)
	l.count(facts)
	l.describe(facts, g.opts)
	l.Failures, l.Substituted = sessionFailures(facts, g.opts.MaxMessages), substitutions(facts, g.opts.MaxMessages)
	l.Rate = sessionRate(g.run, facts)
	l.Additions.CriticalPath = pathSums(g, facts)
	l.Additions.Fidelity = fidelityOf(g, sessions)
	l.Additions.Reuse = reuseOf(sessions, known, g.opts.CacheTokens)
	return l
}

func (u *UnfinishedSessions) add(s *run.Session) {
	u.Sessions++
	u.Abandoned += count(s.ErrorType == record.ErrorAbandoned)
	u.Calls, u.Sent, u.Completed = u.Calls+s.Calls, u.Sent+s.Sent, u.Completed+s.Completed
}

// count counts the sessions and their calls.
func (l *SessionLifecycle) count(facts []sessionFacts) {
	recovered := 0
	for _, f := range facts {
		l.Sessions++
		l.Succeeded += count(f.Succeeded())
		l.Events, l.Completed = l.Events+f.Calls, l.Completed+f.Completed
		l.Cancelled += f.cancelled
		l.Substituting += count(len(f.Substituted) > 0)
		if f.retried > 0 {
			l.Retrying, l.Retries, recovered = l.Retrying+1, l.Retries+f.retried, recovered+f.recovered
			l.Recovered = &recovered
		}
		if f.tfutNone == "" {
			l.WithTFUT++
			continue
		}
		l.TFUTNone.add(f.tfutNone)
	}
	l.Failed = l.Sessions - l.Succeeded
}

// describe sets the distributions over the sessions, and the share of prompts that was cached.
func (l *SessionLifecycle) describe(facts []sessionFacts, o Options) {
	over := func(value func(f *sessionFacts) float64) *Distribution {
		return NewDistribution(known(facts, value), o.Percentiles)
	}
	l.Duration = over(func(f *sessionFacts) float64 { return f.duration })
	l.Calls = over(func(f *sessionFacts) float64 { return float64(f.Calls) })
	l.CancelledPer = over(func(f *sessionFacts) float64 { return float64(f.cancelled) })
	l.Input = over(func(f *sessionFacts) float64 { return f.input })
	l.Output = over(func(f *sessionFacts) float64 { return f.output })
	l.Cached = over(func(f *sessionFacts) float64 { return f.cached })
	l.Cacheable = over(func(f *sessionFacts) float64 { return f.prompt })
	l.HitPer = over((*sessionFacts).hitPercent)
	l.TFUT = over(func(f *sessionFacts) float64 { return f.tfut })
	l.UserFacing = over(func(f *sessionFacts) float64 { return float64(len(f.UserFacing)) })
	l.Structured = over(func(f *sessionFacts) float64 { return float64(f.Structured) })
	cached := known(facts, func(f *sessionFacts) float64 { return f.cached })
	if l.WithCache = len(cached); l.WithCache > 0 {
		prompts := sum(known(facts, func(f *sessionFacts) float64 { return f.prompt }))
		l.Hit = new(Float(100 * sum(cached) / prompts))
	}
}

// known returns the values of a figure that sessions have.
func known(facts []sessionFacts, value func(f *sessionFacts) float64) (list []float64) {
	for i := range facts {
		if v := value(&facts[i]); v == v {
			list = append(list, v)
		}
	}
	return list
}

func sum(list []float64) (s float64) {
	for _, v := range list {
		s += v
	}
	return s
}

// sessionRate returns the sessions per second from the first start to the last end, 0 of no time.
func sessionRate(r *run.Run, facts []sessionFacts) Float {
	if len(facts) == 0 {
		return 0
	}
	from, to := facts[0].Start, facts[0].End
	for _, f := range facts {
		from, to = min(from, f.Start), max(to, f.End)
	}
	if to <= from {
		return 0
	}
	return Float(float64(len(facts)) / r.Seconds(to-from))
}

// sessionFailures counts the failures by cause, with the messages and the sessions that had them.
func sessionFailures(facts []sessionFacts, maxMessages int) SessionFailures {
	out, at := SessionFailures{ByLabel: sessionLabels{}}, map[string]int{}
	for _, f := range facts {
		if f.Succeeded() {
			continue
		}
		out.Count++
		label := cmp.Or(f.ErrorType, "unreported")
		l := &out.ByLabel[indexOrAppend(&out.ByLabel, at, label, sessionLabel{label: label})]
		l.Count++
		l.list.add(cmp.Or(f.Error, "unreported"), f.ID)
	}
	slices.SortStableFunc(out.ByLabel, func(a, b sessionLabel) int { return cmp.Compare(b.Count, a.Count) })
	for i := range out.ByLabel {
		out.ByLabel[i].Messages = out.ByLabel[i].list.most(maxMessages)
	}
	return out
}

func substitutions(facts []sessionFacts, maxMessages int) Substitutions {
	var out Substitutions
	var list messageList
	for _, f := range facts {
		if n := len(f.Substituted); n > 0 {
			out.Count += n
			list.add(f.substitution(), f.ID)
		}
	}
	out.Messages = list.most(maxMessages)
	return out
}

// messageList collects messages and the sessions that they are about.
type messageList struct {
	list []sessionMessage
	at   map[string]int
}

func (m *messageList) add(text, session string) {
	if m.at == nil {
		m.at = map[string]int{}
	}
	i := indexOrAppend(&m.list, m.at, text, sessionMessage{Text: text})
	m.list[i].Sessions = append(m.list[i].Sessions, session)
}

// most returns the most frequent messages.
func (m *messageList) most(n int) []sessionMessage {
	slices.SortStableFunc(m.list, func(a, b sessionMessage) int {
		return cmp.Compare(len(b.Sessions), len(a.Sessions))
	})
	return append([]sessionMessage{}, m.list[:min(n, len(m.list))]...)
}

// stageMetadata tells how a stage of sessions went: all instances together.
func stageMetadata(r *run.Run, stage int, sessions []*run.Session) *StageMetadata {
	asked := r.StagePlan()[stage]
	m := &StageMetadata{ID: stage, Status: "COMPLETED", Concurrency: asked.Concurrency}
	if asked.Rate != nil && *asked.Rate > 0 {
		m.Rate = new(Float(*asked.Rate))
	}
	if asked.Timeout != nil {
		m.Timeout = new(Float(*asked.Timeout))
	}
	var from, to, last int64
	for _, s := range sessions {
		if from == 0 || s.Start < from {
			from = s.Start
		}
		last = max(last, s.End)
		if s.Unfinished() {
			m.Dropped += max(0, s.Calls-s.Sent)
		}
	}
	stages := 0
	for _, s := range r.Stages {
		if s.Index != stage || s.Start == 0 {
			continue
		}
		stages++
		from, to = min(from, s.Start), max(to, s.End)
		m.Status = worseStatus(m.Status, s.Status)
	}
	if to == 0 {
		to = last
	}
	if stages == 0 && r.Partial {
		m.Status = "FAILED" // the run was killed
	}
	m.Duration, m.Teardown = Float(r.Seconds(max(0, to-from))), Float(r.Seconds(max(0, last-to)))
	return m
}

// worseStatus returns the worse of a status of inference-perf, and that of a stage's line.
func worseStatus(status, line string) string {
	switch {
	case line == record.StageTimedOut:
		return "TIMED_OUT"
	case status == "COMPLETED" && (line == "interrupted" || strings.HasPrefix(line, "stopped: ")):
		return "FAILED"
	}
	return status
}

// pathSums adds up the critical paths of sessions.
func pathSums(g *subset, facts []sessionFacts) PathSums {
	var lists [pathKinds][]float64
	var whole float64
	for _, f := range facts {
		for kind, ticks := range pathOf(f.Session) {
			lists[kind] = append(lists[kind], g.run.Seconds(ticks))
		}
		whole += f.duration
	}
	part := func(kind PathKind) PathSum {
		share := unknown
		if whole > 0 {
			share = sum(lists[kind]) / whole
		}
		return PathSum{Maybe(share), NewDistribution(lists[kind], g.opts.Percentiles)}
	}
	return PathSums{part(PathModel), part(PathTool), part(PathThink), part(PathPause), part(PathWaiting)}
}
