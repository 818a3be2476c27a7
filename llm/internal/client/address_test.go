package client

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, endpoint, models string }{
		{"http://h", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h:8000/", "http://h:8000/v1/chat/completions", "http://h:8000/v1/models"},
		{"http://h?key=a%2Fb", "http://h/v1/chat/completions?key=a%2Fb", "http://h/v1/models?key=a%2Fb"},
		{"http://h/v1", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h/v1//", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"HTTPS://H/v3", "https://H/v3/chat/completions", "https://H/v3/models"},
		{"http://h/api/paas/v4/", "http://h/api/paas/v4/chat/completions", "http://h/api/paas/v4/models"},
		{"http://h/v1beta/openai", "http://h/v1beta/openai/chat/completions", "http://h/v1beta/openai/models"},
		{"http://h/openai/v1", "http://h/openai/v1/chat/completions", "http://h/openai/v1/models"},
		{"http://h/prefix", "http://h/prefix/chat/completions", "http://h/prefix/models"},
		{
			"https://h/openai/deployments/my%2Fmodel%20x?api-version=2024-10-21",
			"https://h/openai/deployments/my%2Fmodel%20x/chat/completions?api-version=2024-10-21",
			"",
		},
		{"http://h/v1/chat/completions", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h/v1/chat/completions/?a=b", "http://h/v1/chat/completions?a=b", "http://h/v1/models?a=b"},
		{"http://h/v1/models", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h/chat/completions", "http://h/chat/completions", "http://h/models"},
		{"http://[::1]:8000", "http://[::1]:8000/v1/chat/completions", "http://[::1]:8000/v1/models"},
		{"http://u:secret@h", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h/v1/completions", "http://h/v1/chat/completions", "http://h/v1/models"},
		{"http://h/completions?k=a", "http://h/chat/completions?k=a", "http://h/models?k=a"},
		{"localhost", "http://localhost/v1/chat/completions", "http://localhost/v1/models"},
		{"localhost:8000/v1", "http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1/models"},
		{"10.0.0.7:8000", "http://10.0.0.7:8000/v1/chat/completions", "http://10.0.0.7:8000/v1/models"},
		{"vllm:8000/x?a=b", "http://vllm:8000/x/chat/completions?a=b", "http://vllm:8000/x/models?a=b"},
		{"me:secret@h:8000", "http://h:8000/v1/chat/completions", "http://h:8000/v1/models"},
		{"//h:8000", "http://h:8000/v1/chat/completions", "http://h:8000/v1/models"},
		{"[::1]:8000", "http://[::1]:8000/v1/chat/completions", "http://[::1]:8000/v1/models"},
		{"api.example.com:443/v1", "https://api.example.com:443/v1/chat/completions",
			"https://api.example.com:443/v1/models"},
	} {
		a, err := parseAddress(tt.base, "", api.Chat)
		if err != nil {
			t.Errorf("%s: %v", tt.base, err)
			continue
		}
		if got := a.endpoint.String(); got != tt.endpoint {
			t.Errorf("%s: endpoint %s, want %s", tt.base, got, tt.endpoint)
		}
		if got := modelsOf(a); got != tt.models {
			t.Errorf("%s: models at %s, want %s", tt.base, got, tt.models)
		}
	}
	a, err := parseAddress("http://h/v1/completions", "", api.Completion)
	if err != nil || a.endpoint.String() != "http://h/v1/completions" || a.models.String() != "http://h/v1/models" {
		t.Errorf("the endpoint of completions: got %+v, %v", a, err)
	}
}

// modelsOf returns where an address asks for models, "" for nowhere.
func modelsOf(a *address) string {
	if a.models == nil {
		return ""
	}
	return a.models.String()
}

// An endpoint of its own follows the base URL as it is written. Models are asked for only where there can be a list.
func TestEndpointOfItsOwn(t *testing.T) {
	t.Parallel()
	const azure = "/openai/deployments/gpt-4o/chat/completions"
	for _, tt := range []struct{ base, endpoint, want, models, deployment string }{
		{"https://h", azure + "?api-version=1", "https://h" + azure + "?api-version=1", "", "gpt-4o"},
		{"https://h/?a=b", azure + "?api-version=1", "https://h" + azure + "?a=b&api-version=1", "", "gpt-4o"},
		{"https://h/gw/", "/v1beta/openai/chat/completions", "https://h/gw/v1beta/openai/chat/completions",
			"https://h/gw/v1beta/openai/models", ""},
		{"https://h/v1", "/chat/completions", "https://h/v1/chat/completions", "https://h/v1/models", ""},
		{"https://h", "/endpoints/a%2Fb/invocations", "https://h/endpoints/a%2Fb/invocations", "", ""},
	} {
		a, err := parseAddress(tt.base, tt.endpoint, api.Chat)
		if err != nil {
			t.Errorf("%s and %s: %v", tt.base, tt.endpoint, err)
			continue
		}
		if got := a.endpoint.String(); got != tt.want || modelsOf(a) != tt.models || a.deployment != tt.deployment {
			t.Errorf("%s and %s: got %s, models at %q, deployment %q; want %s, %q, %q", tt.base, tt.endpoint, got,
				modelsOf(a), a.deployment, tt.want, tt.models, tt.deployment)
		}
	}
	for endpoint, want := range map[string]string{
		"openai?key=secret":     `endpoint "openai" is not a path such as "/openai/deployments/`,
		"https://h/v1":          "is not a path such as",
		"//h/v1":                "is not a path such as",
		"/a b":                  "holds a space",
		"/v1/score":             "is the endpoint of an API that is not spoken here",
		"/v1/embeddings":        "is an endpoint of api \"embeddings\"",
		"/v1/messages":          "is an endpoint of api \"anthropic_messages\"",
		"/v1/completions?k=sec": `endpoint "/v1/completions" is an endpoint of api "completion"`,
	} {
		if _, err := parseAddress("http://h", endpoint, api.Chat); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "sec") {
			t.Errorf("%q: got %v, want %q", endpoint, err, want)
		}
	}
}

// Without a list of models the client sends the model it was given, or the deployment's name, and still tells that
// nothing answers.
func TestDiscoverWithoutAList(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/deployments/d/chat/completions" {
			t.Errorf("asked for %s", r.URL)
		}
		http.Error(w, "no", http.StatusMethodNotAllowed)
	}))
	for model, want := range map[string]string{"": "d", "m": "m"} {
		c := newClient(t, func(o *Options) {
			o.BaseURL, o.Endpoint, o.Model = server.URL, "/deployments/d/chat/completions", model
		})
		got, remark, err := c.Discover(t.Context(), new(http.Transport))
		if got != want || remark != "" || err != nil {
			t.Errorf("%q: got %q, %q, %v, want %q", model, got, remark, err, want)
		}
	}
	server.Close()
	c := newClient(t, func(o *Options) { o.BaseURL, o.Endpoint, o.Model = server.URL, "/invocations", "m" })
	if _, _, err := c.Discover(t.Context(), new(http.Transport)); err == nil ||
		!strings.HasPrefix(err.Error(), "cannot reach http://") {
		t.Errorf("got %v", err)
	}
}

func TestAddressRefuses(t *testing.T) {
	t.Parallel()
	const notURL = "is not a URL such as "
	for base, want := range map[string]string{
		"": `baseURL "" ` + notURL,
		"h": `baseURL "h" ` + notURL + `"http://localhost:8000/v1": write ` +
			`http:// before it`,
		"h/v1":                      "write http:// before it",
		"sim":                       "write http:// before it",
		"unix:/tmp/s.sock":          "write http:// before it",
		"localhost:99999":           "has the port 99999",
		"http:/h":                   notURL,
		"http://":                   notURL,
		"http://:8000":              notURL,
		"http:///v1":                notURL,
		"http://h:80a":              notURL,
		"http://u:p/secret@h":       "/ ? # and % in a password are %2F %3F %23 and %25",
		"http://u:secret?p@h":       "/ ? # and % in a password are",
		"http://u:secret#p@h":       "/ ? # and % in a password are",
		"http://u:%secret@h":        "/ ? # and % in a password are",
		"unix:///tmp/s.sock":        "only http and https will do",
		"ftp://u:secret@h":          `baseURL "ftp://u:xxxxx@h" ` + notURL,
		"http://::1:8000":           "an IPv6 address stands in brackets",
		"http://h:99999":            "has the port 99999",
		"http://h:0":                "has the port 0",
		"http://h/v1#a":             "has a fragment",
		"http://h/v1#":              "has a fragment",
		" http://h":                 "holds a space",
		"http://h/a b":              "holds a space",
		"http://h\n":                "holds a space",
		"http://h /v1?key=secret":   "holds a space",
		"http://h/v1/score?k=secre": `baseURL "http://h/v1/score" is the endpoint of an API`,
	} {
		_, err := parseAddress(base, "", api.Chat)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secre") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %q", base, err, want)
		}
	}
}

func TestServerURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://h":                       "http://h",
		"http://h/":                      "http://h",
		"http://h/v1/":                   "http://h/v1",
		"http://h/prefix/":               "http://h/prefix/v1",
		"http://h/openai?a=b":            "http://h/openai/v1?a=b",
		"http://h/api/v3":                "http://h/api/v3",
		"http://h/v1/a/b":                "http://h/v1/a/b",
		"http://h/deployments/d":         "http://h/deployments/d",
		"http://h/x/chat/completions":    "http://h/x/chat/completions",
		"http://u:secret@h/x":            "http://u:secret@h/x/v1",
		"localhost:8000":                 "localhost:8000",
		"localhost:8000/prefix":          "localhost:8000/prefix/v1",
		"http://h:80a/":                  "http://h:80a/",
		"http://h/vision":                "http://h/vision/v1",
		"http://h/models/a%2Fb/verylong": "http://h/models/a%2Fb/verylong/v1",
	} {
		if got := ServerURL(base); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"http://h", "https://u:p@[::1]:8/v1/chat/completions?a=b#c", "localhost:8000",
		"http://h/%2F%zz", "sim:?a=b", "http://u:p@ss/w@h", "http://h\x00/", "//u:p@h", "http://\u202eh/\x1b[2J",
		"http://h:99999999999", "http://h/" + strings.Repeat("x", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text, "", api.Chat)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: got an error of several lines: %v", text, err)
			}
			return
		}
		if !strings.HasSuffix(a.endpoint.Path, "/chat/completions") || a.endpoint.User != nil ||
			a.models != nil && !strings.HasSuffix(a.models.Path, "/models") {
			t.Errorf("%q: got %s and %s", text, a.endpoint, a.models)
		}
		if _, err := http.NewRequest(http.MethodGet, a.endpoint.String(), nil); err != nil {
			t.Errorf("%q: no request can be made: %v", text, err)
		}
	})
}

// A gateway without a database of keys says of an unknown key what says nothing of keys.
func TestAnswersThatMayBeAboutTheKey(t *testing.T) {
	t.Parallel()
	const noDB = `{"error":{"message":"No connected db."}}`
	for _, tt := range []struct {
		status          int
		body, key, want string
	}{
		{500, "Internal Server Error", "", "Internal Server Error"},
		{400, noDB, "k", "No connected db. (the gateway does not know the API key of apiKey: check apiKey " +
			"(API_KEY in our scripts))"},
		{400, noDB, "", "No connected db."},
		{400, "too long", "k", "too long"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL, o.APIKey = server.URL, tt.key })
		if r := do(t, t.Context(), c, new(http.Transport)).Record; r.Error != tt.want {
			t.Errorf("status %d, key %q: recorded %q, want %q", tt.status, tt.key, r.Error, tt.want)
		}
		server.Close()
	}
}

// What a request is authorized by, and what the record says if the server refuses it.
func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, user, key string
		headers         map[string]string
		want, said      string
	}{
		{"nothing", "", "", nil, "", "refused a request without a key: set apiKey (API_KEY in our scripts)"},
		{"a key", "", "secret", nil, "Bearer secret", "refused the API key of apiKey: check apiKey"},
		{"a key as it is sent", "", "Bearer secret", nil, "Bearer secret",
			"refused the API key of apiKey: check apiKey"},
		{"a key in the query", "?api_key=secret", "", nil, "",
			"refused the key in the query of baseURL: check baseURL"},
		{"a user", "u:p%40secret@", "", nil, "Basic dTpwQHNlY3JldA==",
			"refused the user of baseURL: check the user and password in baseURL"},
		{"a user alone", "secret@", "", nil, "Basic c2VjcmV0Og==", "refused the user of baseURL"},
		{"the key goes before the user", "u:p@", "secret", nil, "Bearer secret", "refused the API key of apiKey"},
		{"a header goes before both", "u:p@", "k", map[string]string{"authorization": "secret"}, "secret",
			"refused the header authorization: check its value"},
		{"a header of another name", "", "", map[string]string{"api-key": "secret"}, "", "refused the header api-key"},
		{"a header that is no credential", "", "", map[string]string{"X-Tenant": "secret"}, "",
			"refused a request without a key"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != tt.want {
				t.Errorf("%s: sent Authorization %q, want %q", tt.name, got, tt.want)
			}
			http.Error(w, "no", http.StatusUnauthorized)
		}))
		c := newClient(t, func(o *Options) {
			o.BaseURL, o.Model = strings.Replace(server.URL, "://", "://"+tt.user, 1), ""
			if strings.HasPrefix(tt.user, "?") {
				o.BaseURL = server.URL + tt.user
			}
			o.APIKey, o.Headers = tt.key, tt.headers
		})
		r := do(t, t.Context(), c, new(http.Transport)).Record
		if !strings.Contains(r.Error, tt.said) || strings.Contains(r.Error+c.URL(), "secret") {
			t.Errorf("%s: recorded %q for %s, want %q", tt.name, r.Error, c.URL(), tt.said)
		}
		_, _, err := c.Discover(t.Context(), new(http.Transport))
		if err == nil || !strings.Contains(err.Error(), " refused "+c.credential+" with status 401 (no): ") ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: discovery says %v", tt.name, err)
		}
		server.Close()
	}
}

// If there is nothing at a path, the record tells what was asked for, and what to try if the path has no version.
func TestNotFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ path, body, want string }{
		{"/prefix", `{"detail":"Not Found"}`,
			`Not Found (api chat: no http://…/prefix/chat/completions: /v1 is added to a bare host alone, so write ` +
				`"http://…/prefix/v1" if the API is there)`},
		{"/prefix", "The model `m` does not exist.", "The model `m` does not exist."},
		{"/prefix/v1", "nothing", "nothing (api chat: no http://…/prefix/v1/chat/completions)"},
		{"?key=secret", "", "Not Found (api chat: no http://…/v1/chat/completions)"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, tt.body, http.StatusNotFound)
		}))
		c := newClient(t, func(o *Options) { o.BaseURL = server.URL + tt.path })
		r := do(t, t.Context(), c, new(http.Transport)).Record
		if got := strings.ReplaceAll(r.Error, server.URL, "http://…"); got != tt.want {
			t.Errorf("%s, %s: got %s, want %s", tt.path, tt.body, got, tt.want)
		}
		server.Close()
	}
}

func TestRequestIDHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		headers map[string]string
		header  string
		want    string
	}{
		{DefaultRequestIDHeader, nil, "X-Request-Id", "r1"},
		{"X-Correlation-ID", nil, "X-Correlation-Id", "r1"},
		{"X-Correlation-ID", nil, "X-Request-Id", ""},
		{"", nil, "X-Request-Id", ""},
		{DefaultRequestIDHeader, map[string]string{"x-request-id": "mine"}, "X-Request-Id", "mine"},
		{"x-mine", map[string]string{"X-Mine": ""}, "X-Mine", ""},
	} {
		got := "none"
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r.Header.Get(tt.header)
		}))
		c := newClient(t, func(o *Options) {
			o.BaseURL, o.RequestIDHeader, o.Headers = server.URL, tt.name,
				tt.headers
		})
		if r := do(t, t.Context(), c, new(http.Transport)).Record; got != tt.want || r.ID != "r1" {
			t.Errorf("%q with %v: sent %s: %q, want %q; recorded %q", tt.name, tt.headers, tt.header, got, tt.want,
				r.ID)
		}
		server.Close()
	}
}
