package storage

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answering starts a server with one answer to every request. The answer repeats the secret key wherever it can.
func answering(t *testing.T, status int, body string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", secretKey)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func s3Error(code string) string {
	return fmt.Sprintf("<Error><Code>%s</Code><Message>%s\n%s</Message></Error>", code, secretKey, secretKey)
}

const (
	s3Access = "; check the credentials, and that they may list, read and write the bucket"
	s3Reach  = "; check endpoint_url or AWS_ENDPOINT_URL, the region, and the network"
	s3Login  = "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or run aws " +
		"configure"

	gcsAccess = "; check the account, and that it has the role Storage Object User on the bucket"
	gcsReach  = "; check the network, or STORAGE_EMULATOR_HOST if it is set"
	gcsLogin  = "; run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
)

func TestS3Answers(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{403, s3Error("AccessDenied"), "access refused (403 Forbidden, AccessDenied)" + s3Access},
		{403, secretKey, "access refused (403 Forbidden)" + s3Access},
		{400, s3Error("ExpiredToken"), "access refused (400 Bad Request, ExpiredToken)" + s3Access},
		{403, s3Error("RequestTimeTooSkewed"),
			"access refused (403 Forbidden, RequestTimeTooSkewed); set this machine's clock"},
		{404, s3Error("NoSuchBucket"), "no such bucket; create it, or correct bucket_name"},
		{404, "<html>" + secretKey, "the server answered 404 Not Found" + s3Reach},
		{301, s3Error("PermanentRedirect"),
			"the bucket is in another region (301 Moved Permanently, PermanentRedirect); set region_name to that of " +
				"the bucket"},
		{503, s3Error("SlowDown"), "the server keeps answering 503 Service Unavailable, SlowDown; try again later"},
		{400, s3Error(secretKey), "the server answered 400 Bad Request" + s3Reach},
		{400, s3Error(secretKey + "\n"), "the server answered 400 Bad Request" + s3Reach},
		{200, "<html><body>" + secretKey + "</body></html>", "the server does not speak the API of s3" + s3Reach},
		{200, secretKey, "the server does not speak the API of s3" + s3Reach},
		{204, "", "the server does not speak the API of s3" + s3Reach},
	} {
		url := answering(t, tt.status, tt.body)
		target := Target{Provider: S3, Bucket: "reports",
			Endpoint: strings.Replace(url, "://", "://"+accessKey+":"+secretKey+"@", 1)}
		refused(t, target.Check(t.Context()), fmt.Sprintf(`s3 bucket "reports" at %s: %s`, url, tt.want))
	}
}

func TestGCSAnswers(t *testing.T) {
	isolate(t)
	reason := func(reason string) string {
		text, _ := json.Marshal(reason)
		return fmt.Sprintf(`{"error": {"message": "%s", "errors": [{"reason": %s}]}}`, secretKey, text)
	}
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{401, reason("authError"), "access refused (401 Unauthorized, authError)" + gcsAccess},
		{403, reason("forbidden"), "access refused (403 Forbidden, forbidden)" + gcsAccess},
		{404, reason("notFound"), "no such bucket; create it, or correct bucket_name"},
		{400, reason(secretKey + "\n"), "the server answered 400 Bad Request" + gcsReach},
		{302, secretKey, "the server answered 302 Found" + gcsReach},
		{503, reason("backendError"),
			"the server keeps answering 503 Service Unavailable, backendError; try again later"},
		{200, "<html>" + secretKey, "the server does not speak the API of google cloud storage" + gcsReach},
		{200, "{}", "the server does not speak the API of google cloud storage" + gcsReach},
	} {
		url := answering(t, tt.status, tt.body)
		t.Setenv("STORAGE_EMULATOR_HOST", url)
		s := Target{Provider: GCS, Bucket: "reports"}.session()
		s.open = impatient(openGCS)
		refused(t, s.check(t.Context()), fmt.Sprintf(`google cloud storage bucket "reports" at %s: %s`, url, tt.want))
	}
}

// impatient opens a bucket that repeats failed requests without a pause.
func impatient(open func(context.Context, Target, *traffic) (bucket, error)) func(context.Context, Target,
	*traffic) (bucket, error) {
	return func(ctx context.Context, t Target, traffic *traffic) (bucket, error) {
		b, err := open(ctx, t, traffic)
		if g, ok := b.(*gcsBucket); ok {
			g.pause = 0
		}
		return b, err
	}
}

// TestSilence uses servers that accept connections and never answer, or stop in the middle of an object.
func TestSilence(t *testing.T) {
	isolate(t)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "half") {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
		}
		<-release
	}))
	defer server.Close()
	defer close(release)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	dir := report(t, map[string]string{"a.json": "{}"})
	for _, target := range []Target{
		{Provider: S3, Bucket: "reports", Endpoint: server.URL, patience: 300 * time.Millisecond},
		{Provider: GCS, Bucket: "reports", patience: 300 * time.Millisecond},
	} {
		help := advices[target.Provider]
		subject := fmt.Sprintf("%s bucket \"reports\" at %s: ", help.name, server.URL)
		silent := "no answer within 300ms; " + help.reach
		start := time.Now()
		refused(t, target.Check(t.Context()), subject+silent)
		_, _, err := target.Upload(t.Context(), dir, nil)
		refused(t, err, fmt.Sprintf("%s%s; the report stays in %q", subject, silent, dir))
		_, err = target.Open(t.Context(), "all")
		refused(t, err, subject+`reading "all": `+silent)
		r, err := target.Open(t.Context(), "half")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		refused(t, err, subject+`reading "half": `+silent)
		if string(text) != "half" {
			t.Errorf("got %q", text)
		}
		r.Close()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the error took %v", took)
		}
	}
}

func TestUnreachable(t *testing.T) {
	isolate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", closed)
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	refusal := fmt.Sprintf("at http://%s: cannot connect: dial tcp %s: connect: connection refused", closed, closed)
	refused(t, Target{Provider: S3, Bucket: "reports", Endpoint: "http://" + closed}.Check(t.Context()),
		`s3 bucket "reports" `+refusal+s3Reach)
	s := Target{Provider: GCS, Bucket: "reports"}.session()
	s.open = impatient(openGCS)
	refused(t, s.check(t.Context()), `google cloud storage bucket "reports" `+refusal+gcsReach)

	plain := answering(t, 200, secretKey)
	refused(t, Target{Provider: S3, Bucket: "reports", Endpoint: strings.Replace(plain, "http:", "https:", 1)}.Check(
		t.Context()),
		fmt.Sprintf(`s3 bucket "reports" at %s: http: server gave HTTP response to HTTPS client%s`,
			strings.Replace(plain, "http:", "https:", 1), s3Reach))
}

func TestInterrupted(t *testing.T) {
	isolate(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Target{Provider: S3, Bucket: "reports", Endpoint: "http://127.0.0.1:1"}.Check(ctx)
	refused(t, err, `s3 bucket "reports" at http://127.0.0.1:1: interrupted`)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

func TestS3Credentials(t *testing.T) {
	isolate(t)
	target := Target{Provider: S3, Bucket: "reports"}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	refused(t, target.Check(t.Context()), `s3 bucket "reports": no credentials found`+s3Login)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	for _, machine := range []string{"http://127.0.0.1:1", answering(t, 403, secretKey)} {
		t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine)
		refused(t, target.Check(t.Context()), `s3 bucket "reports": no credentials found`+s3Login)
	}

	t.Setenv("AWS_PROFILE", "lab")
	refused(t, target.Check(t.Context()),
		`s3 bucket "reports": no profile "lab" in the AWS configuration; correct AWS_PROFILE`)

	settings := filepath.Join(t.TempDir(), "config")
	t.Setenv("AWS_CONFIG_FILE", settings)
	write := func(text string) {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[profile lab]\ncredential_process = /bin/sh -c 'echo " + secretKey + "; exit 3'\n")
	refused(t, target.Check(t.Context()), `s3 bucket "reports": the credentials cannot be had`+s3Login)
	t.Setenv("AWS_ENDPOINT_URL_STS", answering(t, 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>"+
		secretKey+"</Message></Error></ErrorResponse>"))
	write("[profile base]\naws_access_key_id = a\naws_secret_access_key = " + secretKey +
		"\n[profile lab]\nrole_arn = arn:aws:iam::1:role/bench\nsource_profile = base\n")
	refused(t, target.Check(t.Context()), `s3 bucket "reports": the credentials cannot be had (AccessDenied)`+s3Login)
	write("[profile lab]\naws_secret_access_key = " + secretKey + "\n")
	refused(t, target.Check(t.Context()), `s3 bucket "reports": the AWS configuration cannot be read`+s3Login)
}

// serviceAccount writes a key file of a service account, which gets its tokens from a URL.
func serviceAccount(t *testing.T, tokenURL string) (path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "bench@lab.iam", "private_key": string(block),
		"private_key_id": secretKey, "token_uri": tokenURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGCSCredentials(t *testing.T) {
	isolate(t)
	target := Target{Provider: GCS, Bucket: "reports"}
	none := filepath.Join(t.TempDir(), "none.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", none)
	refused(t, target.Check(t.Context()),
		fmt.Sprintf(`google cloud storage bucket "reports": GOOGLE_APPLICATION_CREDENTIALS: no file %q%s`, none,
			gcsLogin))

	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"type": "`+secretKey+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", broken)
	refused(t, target.Check(t.Context()),
		fmt.Sprintf(`google cloud storage bucket "reports": GOOGLE_APPLICATION_CREDENTIALS: %q is not a file of `+
			`credentials%s`, broken, gcsLogin))

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS",
		serviceAccount(t, answering(t, 400, `{"error": "invalid_grant", "error_description": "`+secretKey+`"}`)))
	refused(t, target.Check(t.Context()),
		`google cloud storage bucket "reports": the credentials were refused (invalid_grant)`+gcsLogin)

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, answering(t, 400, secretKey)))
	refused(t, target.Check(t.Context()), `google cloud storage bucket "reports": the credentials were refused`+
		gcsLogin)
}

// TestGCSToken checks that the token is sent to the API and to no other server.
func TestGCSToken(t *testing.T) {
	isolate(t)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token": "`+secretKey+`", "token_type": "Bearer", "expires_in": 3600}`)
	}))
	defer tokens.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, tokens.URL))
	otherServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("another server got the token %q", got)
		}
	}))
	defer otherServer.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+secretKey {
			t.Errorf("%s %s got %q", r.Method, r.URL, got)
		}
		w.Header().Set("Location", otherServer.URL+"/upload")
	}))
	defer api.Close()
	b, err := openGCS(t.Context(), Target{Provider: GCS, Bucket: "reports"}, newTraffic(patience))
	if err != nil {
		t.Fatal(err)
	}
	g := b.(*gcsBucket)
	g.base, g.inOne = api.URL, 1
	if err := g.create(t.Context(), "a", "text/plain", strings.NewReader("abc"), 3); err != nil {
		t.Error(err)
	}
}

// A proxy that refuses a connection may repeat credentials in its status line.
func TestNetworkHasNoCredentials(t *testing.T) {
	t.Setenv("AWS_SESSION_TOKEN", "session-token")
	t.Setenv("https_proxy", "http://user:proxy-password@proxy:3128")
	for _, err := range []error{
		errors.New("407 bad proxy-password"),
		&url.Error{Op: "Get", URL: "https://b/?X-Amz-Signature=1", Err: errors.New("bad session-token")},
	} {
		if got := describe(err); !strings.HasSuffix(got, "bad ***") || strings.Contains(got, "Signature") {
			t.Errorf("%v: got %q", err, got)
		}
	}
}
