package status

import (
	"fmt"
	"strings"
	"time"
)

// Nothing returns why a run that sent no request, or got no answer, says nothing. It returns "" if some request
// succeeded, or none failed because users left, as they were to. A nil board has counted none.
func (b *Board) Nothing() string {
	if b == nil {
		return "no request was sent"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var sent, ok, failed, left int64
	for i := range b.stages {
		f := &b.stages[i].figures
		sent, ok, failed = sent+f.requests, ok+f.ok, failed+f.failed
		left += f.left
	}
	switch {
	case ok+b.totals.outsideOK > 0, left > 0 && failed == 0:
		return ""
	case sent+b.totals.outside == 0 && b.totals.warmup > 0:
		return "no request was sent after the warm-up"
	case sent+b.totals.outside == 0:
		return "no request was sent"
	case failed == 0 && b.totals.outside == 0:
		return "no request was answered before the end of the run"
	}
	if left > 0 {
		return "every request failed whose user stayed"
	}
	return "every request failed"
}

// verdict writes the first line, which must suffice for a user who reads nothing else. It begins with FAILED if a
// threshold was crossed, no request succeeded or records are lost, with STOPPED if a signal ended the run, with CHECK
// if a part of the load failed or was not sent in time, or if a search has no answer, and else with OK.
func (s *summaryText) verdict() {
	crossed, all := s.crossed()
	late := s.lateness()
	word, colour := "OK", green
	switch {
	case crossed > 0, s.facts.Lost != "", s.facts.Nothing != "" && !s.facts.Interrupted:
		word, colour = "FAILED", red
	case s.facts.Interrupted:
		word, colour = "STOPPED", yellow
	case s.all.failed > 0, s.sessions.counts.Failed > 0, s.dropped() > 0, late != "", s.unanswered():
		word, colour = "CHECK", yellow
	}
	word = s.paint(colour, word)
	if s.facts.Simulated {
		word += " on the simulator"
	}
	facts := s.counts()
	switch {
	case crossed > 0:
		facts = append(facts, fmt.Sprintf("%d of %d thresholds crossed", crossed, all))
	case all > 0:
		facts = append(facts, "all thresholds passed")
	}
	if ms := s.State.TestRunDurationMs; ms > 0 {
		facts = append(facts, "in "+time.Duration(ms*1e6).Round(100*time.Millisecond).String())
	}
	s.WriteString("\n")
	s.wrapped("  "+word+": ", strings.Join(facts, ", "))
	s.answers()
	for _, line := range []string{s.overload(), late} {
		if line != "" {
			s.wrapped("  ", line)
		}
	}
	if s.facts.Lost != "" {
		s.wrapped("  "+s.paint(red, "RECORDS LOST")+": ", s.facts.Lost)
	}
	if s.facts.Simulated {
		fmt.Fprintf(s, "  %s: these figures say nothing about any model.\n", s.paint(yellow, "SIMULATED"))
	}
}

// counts returns how many requests were sent, and how they ended.
func (s *summaryText) counts() []string {
	if s.all.requests == 0 {
		switch {
		case s.facts.Nothing != "":
			return []string{s.facts.Nothing}
		case s.rest.outside > 0:
			return []string{"no request was sent but those of setup and teardown"}
		}
		return []string{"no request was sent", "none of the load fell to this instance and its execution segment"}
	}
	requests := " requests sent"
	if s.all.requests == 1 {
		requests = " request sent"
	}
	facts := []string{Grouped(s.all.requests) + requests, count(s.all.failed) + " failed"}
	switch {
	case s.all.left > 0 && s.all.ended() == 0:
		facts = append(facts, "every user left")
	case s.all.left > 0:
		facts = append(facts, Grouped(s.all.left)+" left")
	}
	if s.all.unfinished > 0 {
		facts = append(facts, Grouped(s.all.unfinished)+" unfinished")
	}
	facts = append(facts, count(s.dropped())+" dropped")
	if c := s.sessions.counts; c.Failed > 0 {
		facts = append(facts, fmt.Sprintf("%s of %s sessions failed", Grouped(c.Failed), Grouped(c.Done+c.Failed)))
	}
	return facts
}

// count formats a number of things. It writes "none" for 0, because a reader may overlook a zero.
func count(n int64) string {
	if n == 0 {
		return "none"
	}
	return Grouped(n)
}

// overload returns a sentence on the first stage with whose rate the server did not keep up, or "" if there is none.
// The verdict does not depend on it: the load was what was asked for.
func (s *summaryText) overload() string {
	if s.sessions.begun { // their requests do not come at the rate of the stage
		return ""
	}
	for i := range s.stages {
		g := &s.stages[i]
		if g.began == nil || !g.growth.behind(g.length()) {
			continue
		}
		return fmt.Sprintf("%s in flight at the end of stage %d: the server did not keep up with %s/s",
			Grouped(g.growth.at[parts-1]), g.Index, threeDigits(*g.Rate))
	}
	return ""
}

// veryLate is the schedule delay from which on the load was not the one that was asked for.
const veryLate = 100 * time.Millisecond

// lateness returns a sentence on requests that were sent late, or "" if few were.
func (s *summaryText) lateness() string {
	p99, known := s.rest.late.quantile(0.99)
	if !known || p99 < veryLate {
		return ""
	}
	if s.rest.sessions {
		return fmt.Sprintf("schedule delay p99 %s ms: too few sessions for this rate (all waited for answers), or "+
			"this machine or its VUs did not keep up", millis(p99))
	}
	return fmt.Sprintf("schedule delay p99 %s ms: this machine or its VUs did not keep up", millis(p99))
}
