package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/timespan"
)

// What happens to a server.
const (
	EventStop   = "stop"   // it does nothing for a time, and then goes on where it was
	EventSlow   = "slow"   // all that it does takes a factor longer, for a time or from then on
	EventCold   = "cold"   // the time to the first token is a factor longer, and falls to what it is
	EventPlaces = "places" // another number of requests is processed at once, from then on
	EventGone   = "gone"   // its process is not there for a time, and a new one follows
)

// Event is something that happens to a server, such as "20s slow x2 10s".
type Event struct {
	At     time.Duration // since the server's first request came
	Kind   string        // EventStop and the like
	Factor float64       // of EventSlow and EventCold
	Places int           // of EventPlaces
	For    time.Duration // 0 of what lasts from then on
}

// end returns when it is over. What lasts from then on is over at once.
func (e Event) end() time.Duration { return e.At + e.For }

// String spells the event as the option does.
func (e Event) String() string {
	words := []string{e.At.String(), e.Kind}
	switch e.Kind {
	case EventSlow, EventCold:
		words = append(words, "x"+strconv.FormatFloat(e.Factor, 'g', -1, 64))
	case EventPlaces:
		words = append(words, strconv.Itoa(e.Places))
	}
	if e.For > 0 {
		words = append(words, e.For.String())
	}
	return strings.Join(words, " ")
}

func byTime(a, b Event) int { return cmp.Compare(a.At, b.At) }

// Bounds of what a script says.
const (
	maxEvents = 1000
	maxScript = 1000 * time.Hour
	maxFactor = 1000
	maxPlaces = 10_000_000
)

func eventFlags() []Flag {
	return []Flag{{"events", "what happens to the server, with times since its first request, separated by " +
		"semicolons: '10s stop 5s; 20s slow x2 10s; 30s places 8; 40s gone 5s; 45s cold x4 20s' (nothing)", setEvents}}
}

// setEvents reads events, separated by semicolons or commas.
func setEvents(o *Options, v string) error {
	o.Events = nil
	for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ';' || r == ',' || r == '\n' }) {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		if len(o.Events) == maxEvents {
			return fmt.Errorf("more than %d events", maxEvents)
		}
		e, err := readEvent(words)
		if err != nil {
			return fmt.Errorf("event %.60q: %w", strings.TrimSpace(part), err)
		}
		o.Events = append(o.Events, e)
	}
	slices.SortStableFunc(o.Events, byTime)
	return nil
}

// eventForms tells how each kind is written.
var eventForms = map[string]string{
	EventStop: "AT stop LENGTH such as 10s stop 5s", EventSlow: "AT slow xFACTOR [LENGTH] such as 20s slow x2 10s",
	EventCold:   "AT cold xFACTOR LENGTH such as 0s cold x5 30s",
	EventPlaces: "AT places NUMBER such as 30s places 8", EventGone: "AT gone LENGTH such as 40s gone 5s",
}

// readEvent reads an event that has a word.
func readEvent(words []string) (e Event, err error) {
	if e.At, err = timespan.Parse(words[0]); err != nil {
		return e, fmt.Errorf("%.40q is no time since the first request such as 10s", words[0])
	}
	form := ""
	if len(words) > 1 {
		e.Kind = words[1]
		form = eventForms[e.Kind]
	}
	if form == "" {
		return e, errors.New("expected a time and then stop, slow, cold, places or gone")
	}
	rest, fits := words[2:], true
	switch e.Kind {
	case EventSlow, EventCold:
		if fits = len(rest) > 0 && strings.HasPrefix(rest[0], "x"); fits {
			e.Factor, err = strconv.ParseFloat(rest[0][1:], 64)
			rest = rest[1:]
		}
	case EventPlaces:
		if fits = len(rest) == 1; fits {
			e.Places, err = strconv.Atoi(rest[0])
			rest = nil
		}
	}
	if fits && err == nil && len(rest) == 1 {
		e.For, err = timespan.Parse(rest[0])
		fits = e.For != 0
		rest = nil
	}
	lasts := e.Kind != EventSlow && e.Kind != EventPlaces
	if err != nil || !fits || len(rest) > 0 || lasts && e.For == 0 {
		return e, fmt.Errorf("expected %s", form)
	}
	return e, nil
}

func (e Event) validate() error {
	switch {
	case eventForms[e.Kind] == "":
		return fmt.Errorf("%.40q is none of stop, slow, cold, places and gone", e.Kind)
	case e.At < 0 || e.At > maxScript || e.For < 0 || e.For > maxScript:
		return fmt.Errorf("times must be from 0s to %v", maxScript)
	case (e.Kind == EventSlow || e.Kind == EventCold) && !(e.Factor >= 1/float64(maxFactor) && e.Factor <= maxFactor):
		return fmt.Errorf("a factor must be from %v to %d", 1/float64(maxFactor), maxFactor)
	case e.Kind == EventPlaces && (e.Places < 1 || e.Places > maxPlaces):
		return fmt.Errorf("places must be from 1 to %d", maxPlaces)
	}
	return nil
}

// validateEvents refuses scripts in which it is not clear what the server does at an instant.
func (o *Options) validateEvents() error {
	if !slices.IsSortedFunc(o.Events, byTime) {
		return errors.New("simulator option events must be in the order of their times")
	}
	last := map[string]Event{} // to be over of each group of kinds that exclude each other
	for _, e := range o.Events {
		if err := e.validate(); err != nil {
			return fmt.Errorf("simulator option events: event %q: %w", e, err)
		}
		group := e.Kind
		switch {
		case e.Kind == EventPlaces, e.Kind == EventSlow && e.For == 0:
			continue
		case e.Kind == EventGone:
			group = EventStop
		}
		if before, some := last[group]; some && e.At < before.end() {
			return fmt.Errorf("simulator option events: %q begins before %q is over", e, before)
		}
		last[group] = e
	}
	return nil
}
