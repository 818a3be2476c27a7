package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// The fields of a request that servers refuse, beside those of the user.
const (
	ignoreEOS           = "ignore_eos"
	streamOptions       = "stream_options"
	maxCompletionTokens = "max_completion_tokens"
)

// mostRefusals is how many refused fields in a row are left out.
const mostRefusals = 3

// settle asks the question until the server refuses no field of it, and returns the last answer. It is nil if the
// request could not be made.
func (t *trial) settle(ctx context.Context) (a *reply) {
	for range mostRefusals + 1 {
		var err error
		if a, err = t.ask(ctx, t.options()); err != nil {
			t.p.fail(reword(err.Error()), "")
			return nil
		}
		switch {
		case !refusesField(a):
			return a
		case t.userField(a):
			return a
		}
		named := slices.IndexFunc(t.changes(), func(c change) bool { return c.named(a.words) })
		if named < 0 {
			return t.guess(ctx, a)
		}
		t.changes()[named].make(t, a)
	}
	return a
}

// refusesField reports whether a server may have refused a request for one of its fields.
func refusesField(a *reply) bool {
	if a.Record.ErrorType == record.ErrorStream {
		return true
	}
	status := a.Record.Status
	return a.Record.ErrorType == record.ErrorHTTP && !unknownModel(a) && !elsewhere(a) &&
		(status == http.StatusBadRequest || status == http.StatusUnprocessableEntity)
}

// userField reports whether a refusal names a field that the user gave.
func (t *trial) userField(a *reply) bool {
	for _, name := range slices.Sorted(maps.Keys(t.p.opts.Body)) {
		if mentions(a.words, name) {
			t.p.fail(fmt.Sprintf("the server refuses the field %q of --body (status %d, %s)", name, a.Record.Status,
				a.words), "leave it out")
			return true
		}
	}
	return false
}

// mentions reports whether a text holds a name as a word of its own.
func mentions(text, name string) bool {
	found, err := regexp.MatchString(`(?:^|[^A-Za-z0-9_])`+regexp.QuoteMeta(name)+`(?:$|[^A-Za-z0-9_])`, text)
	return err == nil && found
}

// change is a way to ask without a field that the server refuses.
type change struct {
	field string
	named func(words string) bool
	apply func(*Settings)
	flag  string
	why   string
}

// make changes the settings, and notes it.
func (c change) make(t *trial, a *reply) {
	c.apply(&t.p.result.Settings)
	t.p.advise(c.flag, fmt.Sprintf("%s (status %d)", c.why, a.Record.Status), true)
	if c.field == ignoreEOS {
		t.p.result.IgnoreEOS = Refused
	}
}

// changes returns what can still be changed, the likeliest first.
func (t *trial) changes() (list []change) {
	s := &t.p.result.Settings
	if t.p.opts.MaxTokensField == "" && s.MaxTokensField == client.DefaultMaxTokensField {
		list = append(list, change{
			field: s.MaxTokensField, flag: "--max-tokens-field " + maxCompletionTokens,
			why: "the server refuses the field max_tokens and wants " + maxCompletionTokens,
			named: func(words string) bool {
				return mentions(words, client.DefaultMaxTokensField) && mentions(words, maxCompletionTokens)
			},
			apply: func(s *Settings) { s.MaxTokensField = maxCompletionTokens },
		})
	}
	if s.IgnoreEOS {
		list = append(list, change{
			field: ignoreEOS, flag: "--ignore-eos=false", why: "the server refuses the field " + ignoreEOS,
			named: func(words string) bool { return mentions(words, ignoreEOS) },
			apply: func(s *Settings) { s.IgnoreEOS = false },
		})
	}
	if s.Body[streamOptions] == nil {
		list = append(list, change{
			field: streamOptions, flag: `--body '{"stream_options":null}'`,
			why: "the server refuses the field " + streamOptions,
			named: func(words string) bool {
				return mentions(words, streamOptions) || mentions(words, "include_usage")
			},
			apply: func(s *Settings) { s.Body = api.Extra{streamOptions: json.RawMessage("null")} },
		})
	}
	return list
}

// guess leaves out one field after the other, for a refusal that names none, and then several if none alone is it. It
// returns the last answer.
func (t *trial) guess(ctx context.Context, refused *reply) *reply {
	before, list := t.p.result.Settings, t.changes()
	try := func(changes ...change) *reply {
		t.p.result.Settings = before
		for _, c := range changes {
			c.apply(&t.p.result.Settings)
		}
		a, err := t.ask(ctx, t.options())
		t.p.result.Settings = before
		if err != nil || a.Record.Failed() {
			return nil
		}
		for _, c := range changes {
			c.make(t, refused)
		}
		return a
	}
	slices.SortStableFunc(list, func(a, b change) int { return unlikely(a) - unlikely(b) })
	for _, c := range list {
		if a := try(c); a != nil {
			return a
		}
	}
	for n := 2; n <= len(list); n++ {
		if a := try(list[:n]...); a != nil {
			return a
		}
	}
	return refused
}

// unlikely ranks the fields that a server refuses without naming them.
func unlikely(c change) int {
	if c.field == client.DefaultMaxTokensField {
		return 1
	}
	return 0
}

// judge notes which fields the server keeps, by an answer with them and one without ignore_eos, which may be nil.
func (t *trial) judge(ctx context.Context, streamed, whole *reply) {
	r := t.p.result
	r.MaxTokens = keepsLimit(streamed, whole)
	switch {
	case r.IgnoreEOS == Refused || !t.p.opts.IgnoreEOS:
	case streamed.short(), !t.dialect.IgnoresEOS(): // an API without the field leaves it out
		r.IgnoreEOS = Ignored
	case whole != nil && whole.short() && r.MaxTokens == Kept:
		r.IgnoreEOS = Kept
	default:
		r.IgnoreEOS = Accepted
	}
	if (r.IgnoreEOS == Ignored || r.IgnoreEOS == Refused) && streamed.short() && t.p.opts.Body["min_tokens"] == nil {
		t.tryMinTokens(ctx)
	}
}

// keepsLimit tells what a server does with the limit of its answers.
func keepsLimit(answers ...*reply) string {
	kept := Accepted
	for _, a := range answers {
		switch {
		case a == nil:
		case a.tokens > limit, a.tokens < 0 && a.Record.OutputChunks() > limit:
			return Ignored
		case a.ended("length"), a.tokens == limit:
			kept = Kept
		}
	}
	return kept
}

// tryMinTokens tries another field that makes answers of a fixed length.
func (t *trial) tryMinTokens(ctx context.Context) {
	o := t.options()
	o.Extra["min_tokens"] = json.RawMessage(strconv.Itoa(limit))
	switch a, err := t.ask(ctx, o); {
	case err != nil:
	case a.Record.Failed():
		t.p.result.MinTokens = Refused
	case a.short():
		t.p.result.MinTokens = Ignored
	default:
		t.p.result.MinTokens = Kept
		t.p.advise(`--body '{"min_tokens":N}'`, "answers of N tokens: the server does not keep ignore_eos", false)
	}
}
