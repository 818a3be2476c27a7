package scrape

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// replica is a page whose answer can change. It counts how often it is asked.
type replica struct {
	Page
	text  string // "" refuses the connection
	hangs bool
	asked int
}

func newReplica(url, text string) *replica {
	r := &replica{text: text}
	r.Page = Page{URL: url, Transport: server(func(req *http.Request) (*http.Response, error) {
		r.asked++
		switch {
		case r.hangs:
			<-req.Context().Done()
			return nil, req.Context().Err()
		case r.text == "":
			return nil, errors.New("connection refused")
		}
		return answer(http.StatusOK, r.text)
	})}
	return r
}

// The pages of a server at work, of one with a queue, of one at rest, and of none.
const (
	atWork  = "vllm:num_requests_running 3\nvllm:num_requests_waiting 0\n"
	queued  = "sglang:num_running_reqs 0\nsglang:num_queue_reqs 1\n"
	atRest  = "tgi_batch_current_size 0\ntgi_queue_size 0\n"
	nothing = "DCGM_FI_DEV_GPU_UTIL 97\n"
)

func TestIdle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		texts       []string
		idle, known bool
	}{
		{"no page", nil, false, false},
		{"requests run", []string{atWork}, false, true},
		{"a request waits", []string{queued}, false, true},
		{"no request", []string{atRest}, true, true},
		{"one of two replicas is busy", []string{atRest, atWork}, false, true},
		{"a page of devices does not tell", []string{nothing}, false, false},
		{"nor keep another from it", []string{nothing, atRest, ""}, true, true},
	} {
		var pages []*Page
		for i, text := range tt.texts {
			pages = append(pages, &newReplica(string(rune('a'+i)), text).Page)
		}
		if idle, known := new(Idle).Ask(t.Context(), pages); idle != tt.idle || known != tt.known {
			t.Errorf("%s: idle %t, known %t", tt.name, idle, known)
		}
	}
}

// A page that does not tell is asked once, but not given up if it was only slow, or if the caller was in a hurry. A
// page that told before belongs to a busy server when it fails.
func TestIdleRemembersPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var i Idle
		ask := func(ctx context.Context, r *replica) (idle, known bool) { return i.Ask(ctx, []*Page{&r.Page}) }
		for url, text := range map[string]string{"refused": "", "devices": nothing} {
			mute := newReplica(url, text)
			for range 3 {
				if _, known := ask(t.Context(), mute); known {
					t.Errorf("%s: known", url)
				}
			}
			if mute.asked != 1 {
				t.Errorf("%s: asked %d times, want once", url, mute.asked)
			}
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		r := newReplica("slow", atRest)
		r.hangs = true
		_, _ = ask(over, r)
		begun := time.Now()
		if _, known := ask(t.Context(), r); known || time.Since(begun) != Timeout {
			t.Errorf("a slow page: known %t after %v", known, time.Since(begun))
		}
		r.hangs = false
		if idle, known := ask(t.Context(), r); !idle || !known {
			t.Errorf("the page answers again: idle %t, known %t", idle, known)
		}
		r.text = ""
		if idle, known := ask(t.Context(), r); idle || !known {
			t.Errorf("a page that told before: idle %t, known %t", idle, known)
		}
		if r.asked != 4 {
			t.Errorf("asked %d times, want 4", r.asked)
		}
	})
}
