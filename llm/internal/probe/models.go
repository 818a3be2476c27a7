package probe

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/internal/textfile"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// findModels asks each place for its list of models, and keeps those where the API may be. It reports whether there is
// a model to ask for.
func (p *prober) findModels(ctx context.Context) bool {
	var heard []heard
	for _, at := range p.places {
		if n := len(heard); n > 0 && !heard[n-1].next(at) {
			continue
		}
		url := at.root.String() // whatever it answers, where there is no list
		if at.list != nil {
			url = at.list.String()
		}
		answer, err := p.wire.fetch(ctx, url, nil, maxList)
		h := heardFrom(at, answer, err)
		heard = append(heard, h)
		if h.final() || ctx.Err() != nil {
			break
		}
	}
	return p.chooseModel(heard)
}

// heard is what a place said when it was asked for its models.
type heard struct {
	place
	page   *page
	err    error
	names  []string
	maker  string
	isList bool
}

func heardFrom(at place, answer *page, err error) heard {
	h := heard{place: at, page: answer, err: err}
	if err == nil && answer.ok() && at.list != nil {
		h.names, h.maker, h.isList = modelNames(answer.body)
	}
	return h
}

// wrongScheme reports that the place does not speak the scheme of its URL, or that nothing listens there.
func (h *heard) wrongScheme() bool {
	return h.err != nil || h.page.status == http.StatusBadRequest && strings.Contains(h.page.words(), "HTTPS")
}

// next reports whether another place is worth a question: one with another scheme if this one is wrong, and else one
// with another path.
func (h *heard) next(at place) bool { return h.wrongScheme() == (at.secure != h.secure) }

// final reports whether no other place is worth a question.
func (h *heard) final() bool {
	switch {
	case h.err != nil:
		return false
	case h.isList:
		return true
	}
	switch h.page.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// chooseModel settles the model and the places for requests by what was heard, and reports whether there are any.
func (p *prober) chooseModel(all []heard) bool {
	r, last := p.result, &all[len(all)-1]
	if last.isList {
		p.places, r.maker = []place{last.place}, last.maker
		for _, name := range last.names {
			r.Models = append(r.Models, p.wire.mask.Text(name))
		}
		r.header = last.page.header
		if r.Settings.Model == "" && len(last.names) > 0 {
			r.Settings.Model = last.names[0]
		}
	} else {
		if last.page != nil {
			r.header = last.page.header
		}
		p.places = p.places[:0:0]
		for _, h := range all {
			if !h.wrongScheme() {
				p.places = append(p.places, h.place)
			}
		}
	}
	if len(p.places) == 0 {
		where := shown(all[0].server)
		if all[0].err == nil {
			p.fail(where+" speaks TLS", "write https:// in the URL")
			return false
		}
		why, fix := unreachable(all[0].err)
		p.fail(fmt.Sprintf("cannot reach %s: %s", where, p.wire.hide(why)), fix)
		return false
	}
	if r.Settings.Model == "" {
		r.Settings.Model = p.places[0].model
	}
	if r.Settings.Model == "" {
		p.fail(p.whyNoModel(all))
		return false
	}
	return true
}

// whyNoModel says why no model is known, and what to do about it.
func (p *prober) whyNoModel(all []heard) (why, fix string) {
	h := all[slices.IndexFunc(all, func(h heard) bool { return !h.wrongScheme() })]
	if last := all[len(all)-1]; !last.wrongScheme() && last.final() {
		h = last
	}
	where := shown(h.list)
	switch status := h.page.status; {
	case h.isList:
		return where + " lists no models", nameModel
	case h.page.ok():
		return where + " is no list of models", "check the URL, or " + nameModel
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return p.refusedKey(where, h.page)
	case status < 400:
		to := h.page.header.Get("Location")
		return fmt.Sprintf("%s is redirected to %q", where, p.wire.hide(to)), "give that as the URL"
	case api.Unserved(status, h.page.words()) != "":
		return fmt.Sprintf("%s answered with status %d (%s)", where, status, p.wire.hide(h.page.words())),
			api.Unserved(status, h.page.words())
	}
	fix = "check the URL, or " + nameModel
	if key := p.keyInDoubt(h.page.status, h.page.words()); key != "" {
		fix = key + ", or " + nameModel
	}
	return fmt.Sprintf("%s answered with status %d (%s)", where, h.page.status, p.wire.hide(h.page.words())), fix
}

// keyInDoubt returns what to do about the key if an answer with another status than 401 may be about it: LiteLLM
// without a database answers with status 500 and no words of its own to a request without a key, and with status 400
// to a key that it does not know.
func (p *prober) keyInDoubt(status int, words string) string {
	switch {
	case status == http.StatusInternalServerError && !p.hasKey() && words == http.StatusText(status):
		return "give the key's variable by " + keyFlag + " if it wants one"
	case status == http.StatusBadRequest && p.hasKey() && strings.Contains(words, "No connected db"):
		return "check the value that " + keyFlag + " names"
	}
	return ""
}

// Advice to the user.
const (
	keyFlag   = "--api-key-env NAME"
	nameModel = "name the model by --model"
)

// refusedKey explains a status that wants another credential.
func (p *prober) refusedKey(where string, answer *page) (why, fix string) {
	p.result.Key = KeyNeeded
	what := "a request without a key"
	fix = "give the key's variable by " + keyFlag
	if p.hasKey() {
		p.result.Key, what = KeyRefused, "the key"
		fix = "check the value that " + keyFlag + " names"
	}
	words := p.wire.hide(answer.words())
	return fmt.Sprintf("%s refused %s with status %d (%s)", where, what, answer.status, words), fix
}

// hasKey reports whether requests carry a credential in a header.
func (p *prober) hasKey() bool {
	for name := range p.wire.header {
		if secret.Named(name) {
			return true
		}
	}
	return p.opts.APIKey != ""
}

// modelNames reads {"data": [{"id": …}]}, or the array alone, which some gateways send. maker is the first entry's
// owned_by, which tells the software.
func modelNames(body []byte) (names []string, maker string, isList bool) {
	type entries []struct {
		ID      string `json:"id"`
		OwnedBy string `json:"owned_by"`
	}
	var list struct {
		Data *entries `json:"data"`
	}
	body = bytes.TrimPrefix(body, []byte(textfile.Mark))
	if json.Unmarshal(body, &list) != nil || list.Data == nil {
		list.Data = new(entries)
		if json.Unmarshal(body, list.Data) != nil {
			return nil, "", false
		}
	}
	for _, m := range *list.Data {
		if m.ID != "" {
			names = append(names, m.ID)
			maker = cmp.Or(maker, m.OwnedBy)
		}
	}
	return names, maker, true
}

// unreachable explains a connection that failed.
func unreachable(err error) (why, fix string) {
	var certificate *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	text := err.Error()
	switch {
	case errors.As(err, &certificate):
		return text, "give --ca FILE, the certificate of the authority that signed it, or set " +
			"K6_INSECURE_SKIP_TLS_VERIFY=true"
	case errors.As(err, &header), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return text, "if the server has no TLS, write http:// in the URL"
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time", "see that the server runs, or raise --timeout"
	}
	return text, "check the URL and that the server runs"
}
