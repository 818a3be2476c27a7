package probe

import (
	"context"
	"errors"
)

// First sees whether a server answers yet, as fast as it can: it finds the API and the models as Run does, and sends
// one request for so many tokens, or none for 0 tokens. The result says whether the server is usable, and how many
// events with output came. Error and problems are as those of Run.
func First(ctx context.Context, opts Options, tokens int) (*Result, error) {
	p, err := newProber(opts)
	if err != nil {
		return nil, err
	}
	p.tokens, p.brief = tokens, true
	return p.within(ctx, func(ctx context.Context) {
		switch found := p.findModels(ctx); {
		case found && tokens == 0:
			p.result.Usable = true
		case found:
			p.request(ctx)
		}
	})
}

// Page asks for a page of the server by its path from the host on, and returns the status with what a refusal says. The
// error says why there is no answer.
func Page(ctx context.Context, opts Options, path string) (status int, words string, err error) {
	p, err := newProber(opts)
	if err != nil {
		return 0, "", err
	}
	defer p.close()
	ctx, cancel := context.WithTimeoutCause(ctx, p.opts.Timeout, errTimeout)
	defer cancel()
	for i, at := range p.places {
		if i > 0 && at.secure == p.places[i-1].secure {
			continue
		}
		answer, failed := p.wire.fetch(ctx, below(at.server, path), nil, maxFact)
		if failed == nil {
			return answer.status, p.wire.hide(answer.words()), nil
		}
		if err == nil {
			why, _ := unreachable(failed)
			err = errors.New(p.wire.hide(why))
		}
	}
	return 0, "", err
}
