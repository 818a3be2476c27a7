// Package audit finds out whether a server goes on to work for users who left. It takes all places of the server with
// long answers and more users than there are places, lets first those leave who wait, and then those who are answered,
// and sees how long it takes until a new request is answered as on the idle server, and until the server's own page
// shows nobody else. What the server does wrong is part of the result, never a Go error.
package audit

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
)

// Limits of an audit. With them it takes less than a minute: DefaultTimeout of a probe, idleLimit, fillLimit, and twice
// the wait.
const (
	DefaultWait = 10 * time.Second
	MaxWait     = 15 * time.Second // and no wait is shorter than MinWait
	MinWait     = time.Second
	MostPlaces  = 4096 // that can be given
	mostStreams = 512  // that are opened to find how many places there are

	idleLimit = 4 * time.Second
	fillLimit = 12 * time.Second
)

// Options says which server to audit, and how requests to it look. Only the URL of Options is required.
type Options struct {
	probe.Options
	Places int               // of the server; 0 finds out how many there are
	Wait   time.Duration     // how long those who left may keep their places; 0 means DefaultWait
	Tell   func(line string) // is told of steps that take more than two seconds, from another goroutine; may be nil
}

func (o *Options) check() error {
	switch {
	case o.Places < 0 || o.Places > MostPlaces:
		return fmt.Errorf("places must be from 1 to %d, got %d", MostPlaces, o.Places)
	case o.Wait == 0:
		o.Wait = DefaultWait
	case o.Wait < MinWait || o.Wait > MaxWait:
		return fmt.Errorf("wait must be from %v to %v, got %v", MinWait, MaxWait, o.Wait)
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return nil
}

// auditor is an audit in progress.
type auditor struct {
	opts    Options
	crowd   crowd
	page    *scrape.Page // nil if there is none
	tokens  int          // that each answer asks for
	perPart float64      // tokens of an event with output, as the probe saw
	idle    spread       // TTFT of a request alone
	busy    time.Duration
	base    look // at the page before the places were taken
	result  *Result
}

// Run audits a server. Its error reports misuse, such as a URL that is none, or that ctx ended. No request of it is
// open when it returns.
func Run(ctx context.Context, opts Options) (*Result, error) {
	begin := time.Now()
	if err := opts.check(); err != nil {
		return nil, err
	}
	url, stop, err := probe.Simulate(opts.URL, opts.Tokenizer)
	if err != nil {
		return nil, err
	}
	defer stop()
	opts.URL, opts.IgnoreEOS = url, true
	a := &auditor{opts: opts, result: &Result{Verdict: Undecided}}
	defer a.crowd.leave()
	found, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	if found {
		a.run(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.result.Requests, a.result.Seconds = a.result.Requests+a.crowd.sent, time.Since(begin).Seconds()
	return a.result, nil
}

// find asks what the server is, and reports whether it can be audited.
func (a *auditor) find(ctx context.Context) (bool, error) {
	defer a.opts.step("asking what the server is")()
	found, err := probe.Run(ctx, a.opts.Options)
	if err != nil {
		return false, err
	}
	r := a.result
	r.Endpoint, r.Model, r.Requests = found.Endpoint, found.Settings.Model, found.Requests
	switch {
	case !found.Usable:
		return r.undecided(found.Err().Error(), ""), nil
	case !found.Streams, found.AtOnce:
		return r.undecided("answers come whole, so that nobody sees when they begin",
			"audit a server that streams, or look at what holds events back"), nil
	}
	return true, a.prepare(found)
}

// prepare makes the client and finds the page.
func (a *auditor) prepare(found *probe.Result) error {
	o, err := found.Client(a.opts.Options)
	if err != nil {
		return err
	}
	o.Timeout, o.Streaming = 0, true
	c, err := client.New(o)
	if err != nil {
		return err
	}
	a.crowd.client, a.crowd.transport = c, a.opts.Transport
	a.perPart = 1
	if found.TokensPerEvent > 1.1 {
		a.perPart = found.TokensPerEvent
	}
	if found.MetricsPage == "" {
		return nil
	}
	header := http.Header{}
	for name, value := range o.Credentials() {
		header.Set(name, value)
	}
	for name, value := range o.Headers {
		header.Set(name, value)
	}
	a.page = &scrape.Page{URL: found.MetricsPage, Header: header, Transport: a.opts.Transport}
	a.result.MetricsPage, a.result.Engine = found.MetricsPage, found.Engine
	return nil
}

// run takes the steps in their order, and stops where the next makes no sense.
func (a *auditor) run(ctx context.Context) {
	if a.see(ctx); a.alone(ctx) && a.fill(ctx) {
		a.leaveQueue(ctx)
		a.leaveAnswers(ctx)
		a.conclude()
	}
}

// patienceOfProgress is how long a step takes before it is told of.
const patienceOfProgress = 2 * time.Second

// step tells of a step if it takes long, until it is over.
func (o *Options) step(what string) (over func()) {
	if o.Tell == nil {
		return func() {}
	}
	timer := time.AfterFunc(patienceOfProgress, func() { o.Tell(what) })
	return func() { timer.Stop() }
}

// prompt makes models that stop by themselves go on for long.
const prompt = "Count from one to ten thousand in English words, one number on each line, and leave none out."

// messages is the prompt as a chat.
const messages = `[{"role":"user","content":"` + prompt + `"}]`

// ask returns a request for so many tokens.
func ask(tokens int) client.Request {
	return client.Request{Prompt: prompt, Messages: []byte(messages), MaxTokens: tokens}
}
