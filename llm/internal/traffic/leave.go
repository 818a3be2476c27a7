package traffic

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
)

// The moments at which users can leave, beside a time and a number of pieces of output.
const (
	Queued     = "queued"      // QueuedWait after the request was sent, if no output has come by then
	PromptSent = "prompt-sent" // as soon as the request is sent whole
)

// QueuedWait is how long a user who leaves in the queue waits there.
const QueuedWait = 100 * time.Millisecond

// Leave tells how many users leave before their answers are over, and when. One of After, Tokens and When is set.
type Leave struct {
	Share  float64       // of the requests, above 0 and at most 1
	After  time.Duration // since the request was sent
	Tokens int           // pieces of output: each is a token where the server sends them one by one
	When   string        // Queued or PromptSent
	Seed   *int64        // nil means the scenario's

	deals deals
}

// ParseShare reads a share as users type it: 5% or 0.05.
func ParseShare(text string) (share float64, err error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	if share, err = strconv.ParseFloat(number, 64); percent {
		share /= 100
	}
	return share, err
}

// ParseLeave reads a share and a moment as users type them: 5%@2s, 0.05@20 tokens, 5%@queued, 5%@prompt-sent.
func ParseLeave(text string) (*Leave, error) {
	number, when, found := strings.Cut(text, "@")
	share, err := ParseShare(number)
	if !found || err != nil {
		return nil, fmt.Errorf("must be a share and when users leave, such as 5%%@2s, 5%%@20 tokens, 5%%@queued or "+
			"5%%@prompt-sent, got %q", text)
	}
	l := &Leave{Share: share}
	when = strings.TrimSpace(when)
	if count, _, isCount := strings.Cut(when, "token"); isCount {
		l.Tokens, err = strconv.Atoi(strings.TrimSpace(count))
	} else if l.When = when; when != Queued && when != PromptSent {
		l.When = ""
		l.After, err = time.ParseDuration(when)
	}
	if err != nil {
		return nil, fmt.Errorf("when users leave must be a time such as 2s, 20 tokens, queued or prompt-sent, got %q",
			when)
	}
	if l.String() == "0s" {
		return nil, fmt.Errorf("when users leave must be above 0, got %q", when)
	}
	return l, l.Check()
}

// Check returns an error unless it is clear who leaves and when.
func (l *Leave) Check() error {
	given := 0
	for _, is := range [...]bool{l.After != 0, l.Tokens != 0, l.When != ""} {
		if is {
			given++
		}
	}
	switch {
	case !(l.Share > 0 && l.Share <= 1):
		return fmt.Errorf("share must be above 0 and at most 1, got %v", l.Share)
	case l.Share < 1.0/deal.Most, l.Share < 1 && 1-l.Share < 1.0/deal.Most:
		return fmt.Errorf("share must differ from 0 and from 1 by at least 1 in %d, got %v", deal.Most, l.Share)
	case given != 1:
		return errors.New("when users leave is to be told in one way: after: '2s', after: 'queued', " +
			"after: 'prompt-sent' or tokens: 20")
	case l.After < 0:
		return fmt.Errorf("after must be positive, got %v", l.After)
	case l.Tokens < 0:
		return fmt.Errorf("tokens must be positive, got %d", l.Tokens)
	case l.When != "" && l.When != Queued && l.When != PromptSent:
		return fmt.Errorf("after: must be a time such as '2s', 'queued' or 'prompt-sent', got %q", l.When)
	}
	return nil
}

// Options returns the rule as a script writes it.
func (l *Leave) Options() map[string]any {
	m := map[string]any{"share": l.Share}
	if l.Tokens > 0 {
		m["tokens"] = l.Tokens
	} else {
		m["after"] = l.String()
	}
	if l.Seed != nil {
		m["seed"] = *l.Seed
	}
	return m
}

// String returns when users leave, as records tell it.
func (l *Leave) String() string {
	switch {
	case l.When != "":
		return l.When
	case l.Tokens > 0:
		return strconv.Itoa(l.Tokens) + " tokens"
	}
	return l.After.String()
}

// Of reports whether the user of a request leaves: the request number seq of an iteration of a scenario with the given
// seed. Of the first 10,000 iterations, and of each 10,000 after them, the share leaves to within one request.
// It may be called concurrently.
func (l *Leave) Of(seed, iteration int64, seq int) bool {
	if l.Share == 1 {
		return true
	}
	if l.Seed != nil {
		seed = *l.Seed
	}
	k := (iteration + int64(seq/dealt)) & math.MaxInt64 // never below 0
	return l.deals.part(seed^0x6c65617665+int64(seq%dealt), k, l.Share, 1-l.Share) == 0
}

// dealt is how many requests of an iteration have a deal of their own. Those after them follow the iterations to come,
// so that a script that sends without an end keeps no deal for each request.
const dealt = 64
