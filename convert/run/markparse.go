package run

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// longestMark is how many letters of a mark's text are kept.
const longestMark = 200

// nearTheRun is how far outside the run's requests a mark may be: a time of day is written in whole seconds.
const nearTheRun = time.Second

// ErrOutside reports that a mark is not in the time of the run.
var ErrOutside = errors.New("outside of the run")

// MarkReader places marks in the time of a run.
type MarkReader struct {
	run         *Run
	first, last time.Time // the first start, the last end
	zone        *time.Location
}

// NewMarkReader returns a reader of the marks of a run. Times of day are those of the zone. It returns an error if
// nothing is known about the run's time.
func NewMarkReader(r *Run, zone *time.Location) (*MarkReader, error) {
	sent := Sent(r)
	switch {
	case r.Untimed:
		return nil, fmt.Errorf("results of %s do not tell when the requests were sent", r.Origin)
	case len(sent) == 0:
		return nil, errors.New("the run has no requests, and so no time")
	}
	m := &MarkReader{run: r, zone: zone}
	end := sent[0].End
	for _, q := range sent {
		end = max(end, q.End)
	}
	m.first = time.Unix(0, sent[0].Start)
	m.last = m.first.Add(time.Duration(r.Seconds(end-sent[0].Start) * 1e9))
	return m, nil
}

// Parse reads a mark as it is given by hand: when, a space, and what happened. The first is a time since the run's
// first start, as in +42s; an instant of RFC 3339; or a time of day in the reader's zone, or in UTC with a Z.
func (m *MarkReader) Parse(text string) (Mark, error) {
	when, what, _ := strings.Cut(strings.TrimSpace(text), " ")
	what = markText(what)
	if what == "" {
		return Mark{}, errors.New("a mark says when and what: write '12:01:30 pod killed' or '+42s pod killed'")
	}
	at, err := m.instant(when)
	if err != nil {
		return Mark{}, err
	}
	return m.place(at, what, record.MarkGiven)
}

// Read returns the instant of a mark, as people read it and in UTC.
func (m *MarkReader) Read(k Mark) string {
	at := m.first.Add(time.Duration(m.run.Seconds(k.At-FirstStart(m.run)) * 1e9))
	const layout = "2006-01-02 15:04:05.999 -07:00"
	return fmt.Sprintf("%s (%s UTC)", at.In(m.zone).Format(layout), at.UTC().Format("15:04:05"))
}

// Span says from when until when the run was.
func (m *MarkReader) Span() string {
	seconds := m.last.Sub(m.first).Round(100 * time.Millisecond).Seconds()
	if m.run.Origin != "" {
		return fmt.Sprintf("it lasted %v s", seconds)
	}
	const layout = "2006-01-02 15:04:05"
	return fmt.Sprintf("it lasted %v s, from %s to %s (%s to %s UTC)", seconds, m.first.In(m.zone).Format(layout),
		m.last.In(m.zone).Format(layout), m.first.UTC().Format(layout), m.last.UTC().Format(layout))
}

// instant reads when a mark is.
func (m *MarkReader) instant(when string) (time.Time, error) {
	if after, relative := strings.CutPrefix(when, "+"); relative {
		d, err := time.ParseDuration(after)
		if err != nil || strings.ContainsAny(after, "+-") {
			return time.Time{}, fmt.Errorf("%q is no time after the start: write such as +42s or +1m30s", when)
		}
		return m.first.Add(d), nil
	}
	if m.run.Origin != "" {
		return time.Time{}, fmt.Errorf("results of %s do not tell the time of day: write such as +42s", m.run.Origin)
	}
	if at, err := time.Parse(time.RFC3339, when); err == nil {
		return at, nil
	}
	return m.timeOfDay(when)
}

// timeOfDay reads a time of day on the day of the run that makes it lie within the run.
func (m *MarkReader) timeOfDay(when string) (time.Time, error) {
	zone, digits := m.zone, when
	if utc, found := strings.CutSuffix(when, "Z"); found {
		zone, digits = time.UTC, utc
	}
	clock, err := time.Parse("15:04:05", digits)
	if err != nil {
		clock, err = time.Parse("15:04", digits)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time: write such as 12:01:30, +42s or 2026-01-31T12:01:30Z", when)
	}
	year, month, day := m.first.In(zone).Date()
	days := int(m.last.Sub(m.first).Hours()/24) + 1
	on := func(offset int) time.Time {
		return time.Date(year, month, day+offset, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(),
			zone)
	}
	for offset := -1; offset <= days; offset++ {
		if at := on(offset); m.inside(at) {
			return at, nil
		}
	}
	return on(0), nil
}

// inside reports whether an instant is in the time of the run.
func (m *MarkReader) inside(at time.Time) bool {
	return !at.Before(m.first.Add(-nearTheRun)) && !at.After(m.last.Add(nearTheRun))
}

// place returns the mark of an instant, and an error of [ErrOutside] if the instant is not in the time of the run.
func (m *MarkReader) place(at time.Time, text, source string) (Mark, error) {
	if !m.inside(at) {
		return Mark{}, fmt.Errorf("%w: %s", ErrOutside, m.Span())
	}
	ticks := math.Round(at.Sub(m.first).Seconds() * m.run.Clock.Instant)
	return Mark{FirstStart(m.run) + int64(ticks), text, source}, nil
}

// markText returns a text on one line, as long as a mark shows it.
func markText(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	if letters := []rune(text); len(letters) > longestMark {
		text = string(letters[:longestMark-1]) + "…"
	}
	return text
}
