package storage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// script is a server that sends its answers one after the other and records the requests.
type script struct {
	mu      sync.Mutex
	answers []func(w http.ResponseWriter)
	asked   []string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("If-None-Match")))
	if len(s.answers) == 0 {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	answer(w)
}

// says returns an answer with a status and headers, which are given as name, value.
func says(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for pair := range slices.Chunk(headers, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// drops closes the connection without an answer.
func drops(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// perform returns a session of S3 with the server of a script. AWS's library repeats its requests without a pause.
func perform(t *testing.T, answers ...func(http.ResponseWriter)) (*script, *session) {
	t.Helper()
	isolate(t)
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, Target{Provider: S3, Bucket: "reports", Endpoint: server.URL}.session()
}

func store(t *testing.T, s *session) (bool, error) {
	t.Helper()
	return s.store(t.Context(), "a.json", strings.NewReader("{}"), 2)
}

func TestS3FollowsTheRegion(t *testing.T) {
	const listing = "<ListBucketResult><Name>reports</Name></ListBucketResult>"
	script, s := perform(t, says(301, s3Error("PermanentRedirect"), "X-Amz-Bucket-Region", "eu-west-1"),
		says(200, listing))
	if err := s.check(t.Context()); err != nil {
		t.Error(err)
	}
	if got := s.bucket.(*s3Bucket).client.Options().Region; got != "eu-west-1" || len(script.asked) != 2 {
		t.Errorf("got region %q after %q", got, script.asked)
	}
}

// TestS3WithoutConditions uses a server that knows no conditions on writing.
func TestS3WithoutConditions(t *testing.T) {
	script, s := perform(t, says(404, ""), says(501, s3Error("NotImplemented")), says(200, ""))
	created, err := store(t, s)
	last := script.asked[len(script.asked)-1]
	if !created || err != nil || script.asked[1] != "PUT /reports/a.json *" || last != "PUT /reports/a.json" {
		t.Errorf("got %t, %v after %q", created, err, script.asked)
	}
}

func TestS3WriteOnly(t *testing.T) {
	script, s := perform(t, says(403, ""), says(412, s3Error("PreconditionFailed")))
	created, err := store(t, s)
	if created || err != nil || len(script.asked) != 2 {
		t.Errorf("got %t, %v after %q", created, err, script.asked)
	}
	_, s = perform(t, says(403, ""), says(403, s3Error("AccessDenied")))
	_, err = store(t, s)
	refused(t, err, fmt.Sprintf(`s3 bucket "reports" at %s: storing "a.json": access refused (403 Forbidden, `+
		`AccessDenied)%s`, s.target.Endpoint, s3Access))
}

func TestS3TriesAgain(t *testing.T) {
	script, s := perform(t, says(404, ""), says(503, s3Error("SlowDown")), drops, says(200, ""))
	created, err := store(t, s)
	if !created || err != nil || len(script.asked) != 4 {
		t.Errorf("got %t, %v after %q", created, err, script.asked)
	}
}

// TestS3AbandonsParts checks that the parts of a failed upload are deleted from the bucket.
func TestS3AbandonsParts(t *testing.T) {
	const begun = "<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>"
	script, s := perform(t, says(404, ""), says(200, begun), says(200, "", "ETag", `"1"`),
		says(403, s3Error("AccessDenied")), says(204, ""))
	open := s.open
	s.open = func(ctx context.Context, target Target, traffic *traffic) (bucket, error) {
		b, err := open(ctx, target, traffic)
		b.(*s3Bucket).inOne, b.(*s3Bucket).part = 4, 5
		return b, err
	}
	created, err := s.store(t.Context(), "a.json", strings.NewReader("0123456789"), 10)
	want := []string{"HEAD", "POST", "PUT", "PUT", "DELETE"}
	if created || err == nil || len(script.asked) != len(want) {
		t.Fatalf("got %t, %v after %q, want %q", created, err, script.asked, want)
	}
	for i, method := range want {
		if got, _, _ := strings.Cut(script.asked[i], " "); got != method {
			t.Errorf("request %d: got %q, want %s", i, script.asked[i], method)
		}
	}
}

func TestGCSTriesAgain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []func(http.ResponseWriter)
		created bool
		asked   int
		failure string
	}{
		{"a while", []func(http.ResponseWriter){says(404, ""), says(503, ""), drops, says(200, "")}, true, 4, ""},
		{"for good", []func(http.ResponseWriter){says(404, ""), says(403, "")}, false, 2,
			"access refused (403 Forbidden)" + gcsAccess},
		{"too long", []func(http.ResponseWriter){drops, drops, drops}, false, 3, "the server closed the connection" +
			gcsReach},
		{"it appeared", []func(http.ResponseWriter){says(404, ""), says(412, "")}, false, 2, ""},
		{"may only write", []func(http.ResponseWriter){says(403, ""), says(200, "")}, true, 2, ""},
	} {
		isolate(t)
		script := &script{answers: tt.answers}
		server := httptest.NewServer(script)
		t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
		s := Target{Provider: GCS, Bucket: "reports"}.session()
		s.open = impatient(openGCS)
		created, err := store(t, s)
		server.Close()
		if created != tt.created || len(script.asked) != tt.asked {
			t.Errorf("%s: got %t after %q", tt.name, created, script.asked)
		}
		if tt.failure != "" {
			refused(t, err, fmt.Sprintf(`google cloud storage bucket "reports" at %s: storing "a.json": %s`, server.URL,
				tt.failure))
		} else if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// resumable is a server of uploads in parts that loses bytes: of the request with a given number it takes only so many
// bytes and then closes the connection.
type resumable struct {
	mu      sync.Mutex
	content bytes.Buffer
	size    int
	number  int
	loses   map[int]int
	states  int // number of requests for the state of the upload
}

func (s *resumable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		w.Header().Set("Location", "http://"+r.Host+"/place")
		return
	}
	var first, last int
	if n, _ := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &first, &last); n == 0 {
		s.states++
	} else {
		s.take(r.Body, first, last)
	}
	if s.content.Len() == s.size {
		return
	}
	if s.content.Len() > 0 {
		w.Header().Set("Range", "bytes=0-"+strconv.Itoa(s.content.Len()-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

func (s *resumable) take(body io.Reader, first, last int) {
	part, _ := io.ReadAll(body)
	s.number++
	loses, bad := s.loses[s.number]
	if bad {
		part = part[:len(part)-loses]
	}
	if first == s.content.Len() && len(part) <= last-first+1 {
		s.content.Write(part)
	}
	if bad {
		panic(http.ErrAbortHandler)
	}
}

func TestGCSResumes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		loses  map[int]int // bytes of a part
		states int
	}{
		{"nothing lost", nil, 0},
		{"an answer lost", map[int]int{2: 0}, 1},
		{"half a part lost", map[int]int{1: 5}, 1},
		{"a part lost", map[int]int{2: 10}, 1},
		{"the last answer lost", map[int]int{3: 0}, 1},
		{"a part lost twice", map[int]int{2: 10, 3: 10}, 2},
	} {
		isolate(t)
		const content = "0123456789abcdefghijABC"
		state := &resumable{size: len(content), loses: tt.loses}
		server := httptest.NewServer(state)
		t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
		opened, err := impatient(openGCS)(t.Context(), Target{Provider: GCS, Bucket: "reports"}, newTraffic(patience))
		if err != nil {
			t.Fatal(err)
		}
		g := opened.(*gcsBucket)
		g.inOne, g.part = 4, 10
		err = g.create(t.Context(), "a", "text/plain", strings.NewReader(content), int64(len(content)))
		server.Close()
		if err != nil || state.content.String() != content || state.states != tt.states {
			t.Errorf("%s: got %q after %d questions, %v, want %d", tt.name, state.content.String(), state.states, err,
				tt.states)
		}
	}
}

// FuzzReceived checks that every Range header of a server leads to an error or to a number of bytes within the upload.
func FuzzReceived(f *testing.F) {
	for _, text := range []string{"bytes=0-9", "bytes=0-", "", "bytes=0--1", "0-99999999999999999999", "bytes=0-22"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		response := &http.Response{StatusCode: http.StatusPermanentRedirect, Header: http.Header{"Range": {text}},
			Body: http.NoBody}
		if n, err := new(gcsBucket).received(response, 23); err == nil && (n < 0 || n > 23) {
			t.Errorf("%q: got %d", text, n)
		}
	})
}
