package probe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// limit is the number of tokens that a request of the probe asks for.
const limit = 16

// question is a prompt of a few blocks of a prefix cache, to which models answer in one word.
const question = "Here are words that mean nothing, and that only fill a few blocks of the memory in which a server " +
	"keeps what it has read: north river seven apple window silver garden morning letter engine paper winter orange " +
	"bridge carpet little yellow market summer candle doctor island pocket basket forest mirror number planet. Do " +
	"not repeat any of them, explain nothing, and answer with this one word alone: yes"

// trial sends the question to a place in a dialect.
type trial struct {
	p       *prober
	at      place
	dialect api.Dialect
}

func (t *trial) options() client.Options { return t.p.options(t.at.base, t.dialect) }

// reply is the answer to a request, with what a record leaves out.
type reply struct {
	client.Answer
	tokens int    // completion tokens by usage, -1 if it is not reported
	words  string // what a refusal says
}

// ended reports whether the answer ended for a reason, "stop" or "length", in the words of any API.
func (a *reply) ended(reason string) bool {
	switch a.Record.FinishReason {
	case "end_turn", "completed":
		return reason == "stop"
	case "max_tokens", "max_output_tokens":
		return reason == "length"
	}
	return a.Record.FinishReason == reason
}

// short reports whether the model stopped before the limit.
func (a *reply) short() bool {
	return a.ended("stop") && a.tokens < limit && (a.tokens >= 0 || a.Record.OutputChunks() < limit)
}

// listener is a transport that keeps what a refusal says.
type listener struct {
	*wire
	words string
}

// RoundTrip sends a request.
func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	l.count()
	resp, err := l.transport.RoundTrip(req)
	if err != nil || resp.StatusCode < 400 {
		return resp, err
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxFact))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), failing{err}), rest}
	l.words = (&page{status: resp.StatusCode, body: head}).words()
	return resp, nil
}

// failing is the end of a body: with an error, or without.
type failing struct{ err error }

// Read returns the error.
func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// ask sends the question by a client with some options.
func (t *trial) ask(ctx context.Context, o client.Options) (*reply, error) {
	return t.askFor(ctx, o, t.p.tokens)
}

// askFor sends the question, and asks for so many tokens.
func (t *trial) askFor(ctx context.Context, o client.Options, tokens int) (*reply, error) {
	c, err := client.New(o)
	if err != nil {
		return nil, err
	}
	messages, err := json.Marshal([]map[string]string{{"role": "user", "content": question}})
	if err != nil {
		return nil, err
	}
	heard := &listener{wire: t.p.wire}
	answer, err := c.Do(ctx, heard, &client.Request{Prompt: question, Messages: messages, MaxTokens: tokens})
	if err != nil {
		return nil, err
	}
	a := &reply{Answer: answer, words: heard.words, tokens: answer.Record.Counts().ServerCompletion}
	if a.Record.ErrorType == record.ErrorStream { // after a status of success
		a.words = a.Record.Error
	}
	a.words = t.p.wire.hide(a.words)
	return a, nil
}

// request finds the place and the fields with which the server answers, and then looks at its answers.
func (p *prober) request(ctx context.Context) {
	for _, at := range p.places {
		for _, dialect := range p.dialects(at.base) {
			t := &trial{p: p, at: at, dialect: dialect}
			answer := t.settle(ctx)
			switch {
			case answer == nil || ctx.Err() != nil || answer.Record.ErrorType == record.ErrorTimeout:
				p.fail(fmt.Sprintf("no complete answer within %v", p.opts.Timeout),
					"see whether the server is busy, or raise --timeout")
				return
			case !answer.Record.Failed():
				p.result.Usable, p.result.Problem, p.result.Fix = true, "", ""
				if t.settled(answer); !p.brief {
					t.look(ctx, answer)
				}
				return
			}
			t.explain(answer)
			if !elsewhere(answer) {
				return
			}
		}
	}
}

// elsewhere reports whether a failure says that the endpoint may be at another place, or that another dialect may work.
func elsewhere(a *reply) bool {
	switch a.Record.ErrorType {
	case record.ErrorMalformed, record.ErrorTruncated:
		return true // a web page
	case record.ErrorHTTP:
	default:
		return false
	}
	lower := strings.ToLower(a.words)
	switch a.Record.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return !strings.Contains(lower, "model")
	case http.StatusBadRequest:
		return strings.Contains(lower, "chat template") || strings.Contains(lower, "chat_template")
	}
	return false
}

// explain notes why a request failed.
func (t *trial) explain(a *reply) {
	where := t.endpoint()
	rec := a.Record
	switch {
	case rec.ErrorType == record.ErrorTruncated, rec.ErrorType == record.ErrorReset:
		t.p.fail(fmt.Sprintf("%s cut off its answer after %v (%s: %s)", where,
			(time.Duration(rec.End-rec.Start)).Round(time.Millisecond), rec.ErrorType, t.p.wire.hide(rec.Error)),
			"see the server's log, and the time limits of what stands before it")
	case rec.ErrorType != record.ErrorHTTP:
		t.p.fail(fmt.Sprintf("%s gave no answer (%s): %s", where, rec.ErrorType, t.p.wire.hide(rec.Error)),
			"check the URL and the server's log")
	case rec.Status == http.StatusUnauthorized || rec.Status == http.StatusForbidden:
		t.p.fail(t.p.refusedKey(where, &page{status: rec.Status, body: []byte(a.words)}))
	case unknownModel(a):
		fix := nameModel
		if models := t.p.result.Models; len(models) > 0 {
			fix += ", one of " + listed(models, mostListed)
		}
		model := t.p.result.Settings.Model
		t.p.fail(fmt.Sprintf("model %q is refused (status %d, %s)", model, rec.Status, a.words), fix)
	case rec.Status == http.StatusNotFound, rec.Status == http.StatusMethodNotAllowed,
		rec.Status == http.StatusNotImplemented:
		t.p.fail(fmt.Sprintf("the server has no API %s at %s (status %d, %s)", t.dialect.Name(), where, rec.Status,
			a.words), "check the URL and --api, or give --endpoint")
	default:
		t.p.fail(fmt.Sprintf("%s answered with status %d (%s)", where, rec.Status, a.words),
			cmp.Or(t.p.keyInDoubt(rec.Status, a.words), api.Unserved(rec.Status, a.words)))
	}
}

// aboutModel matches what servers say about a model that they do not serve.
var aboutModel = regexp.MustCompile(
	`(?i)model.*(not (exist|found|available|supported|served)|unknown|invalid|no such)|` +
		`(unknown|invalid|no such|not found).*model`)

// unknownModel reports whether a server refused a request for its model.
func unknownModel(a *reply) bool {
	status := a.Record.Status
	return (status == http.StatusNotFound || status == http.StatusBadRequest) && aboutModel.MatchString(a.words)
}

// endpoint returns where requests go, for messages.
func (t *trial) endpoint() string {
	c, err := client.New(t.options())
	if err != nil {
		return shown(t.at.root)
	}
	return c.URL()
}

// settled notes with which settings a request was answered, and how.
func (t *trial) settled(streamed *reply) {
	r := t.p.result
	r.Endpoint = t.endpoint()
	r.Settings.BaseURL, r.Settings.API = t.at.base, t.dialect.Name()
	if r.Simulator {
		r.Settings.BaseURL = t.p.simulator
	}
	if r.Key = KeyNotNeeded; t.p.hasKey() {
		r.Key = KeyAccepted
	}
	t.lookAtStream(streamed)
}

// look asks on, and notes what the answers say.
func (t *trial) look(ctx context.Context, streamed *reply) {
	r := t.p.result
	r.AtOnce = r.Streams && t.holdsBack(ctx, streamed)
	o := t.options()
	o.Streaming, o.IgnoreEOS = false, false
	whole, err := t.ask(ctx, o)
	if err != nil || whole.Record.Failed() {
		whole = nil
	}
	t.lookAtWhole(whole)
	t.judge(ctx, streamed, whole)
}

// lookAtStream notes what a streamed answer shows.
func (t *trial) lookAtStream(a *reply) {
	r, rec := t.p.result, a.Record
	r.Streams = !rec.Noted(record.NoteWhole)
	r.Usage = a.tokens >= 0
	if counts := rec.Counts(); counts.ServerPrompt > 0 {
		r.PromptTokens = counts.ServerPrompt
	}
	r.Events = rec.OutputChunks()
	tokens := a.tokens
	if !r.Usage && a.ended("length") {
		tokens = t.p.tokens
	}
	if r.Events > 0 && tokens > 0 {
		r.TokensPerEvent = float64(tokens) / float64(r.Events)
	}
}

// holdsBack reports whether something on the way holds events back: all events of a stream come in one moment, twice,
// and that of a single token comes much earlier.
func (t *trial) holdsBack(ctx context.Context, streamed *reply) bool {
	if !atOnce(streamed) {
		return false
	}
	one, err := t.askFor(ctx, t.options(), 1)
	if err != nil || len(one.Record.Chunks) == 0 || one.Record.Chunks[0] > streamed.Record.Chunks[0]/2 {
		return false
	}
	again, err := t.ask(ctx, t.options())
	return err == nil && atOnce(again)
}

// atOnce reports whether all events of an answer came in one moment, and late.
func atOnce(a *reply) bool {
	const few, late = 4, 50 * time.Millisecond
	came := a.Record.Chunks
	return len(came) >= few && came[0] >= late.Microseconds() && came[len(came)-1]-came[0] < came[0]/10
}

// lookAtWhole notes what an answer without streaming shows; nil if there was none.
func (t *trial) lookAtWhole(a *reply) {
	if a == nil {
		return
	}
	r := t.p.result
	r.UsageUnstreamed = a.tokens >= 0
	counts := a.Record.Counts()
	if counts.ServerPrompt > 0 {
		r.PromptTokens = counts.ServerPrompt
	}
	if n := counts.ServerCached; n != record.NotReported {
		r.CachedTokens = &n
	}
	if a.short() {
		r.Stopped = max(0, a.tokens)
	}
}
