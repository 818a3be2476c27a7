package llm

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// sesames holds the secrets of the requests below, by their place. Each contains the word Sesame, and no other text
// does.
var sesames = map[string]string{
	"apiKey":          "sk-Sesame/1+2=3",
	"X-Api-Key":       "x-Sesame-456789",
	"Cookie":          "sid=c-Sesame-0123",
	"password":        "p@Sesame w%rd",
	"query":           "q-Sesame-9876",
	"extraBody":       "e-Sesame-2468",
	"nested":          "n-Sesame-1357",
	"request's own":   "r-Sesame-8642",
	"session's token": "s-Sesame-7531",
}

// echoes holds the ways in which a server repeats a request.
var echoes = map[string]func(w http.ResponseWriter, said string){
	"error": func(w http.ResponseWriter, said string) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":%s}}`, inJSON("bad key "+said))
	},
	"long error": func(w http.ResponseWriter, said string) {
		w.WriteHeader(http.StatusBadRequest)
		for cut := range 20 { // one of them is cut by the limit of messages
			fmt.Fprintf(w, "%*s%s ", cut, "", said)
		}
	},
	"plain": func(w http.ResponseWriter, said string) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, said)
	},
	"page": func(w http.ResponseWriter, said string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<html><h1>Forbidden</h1><p>"+said)
	},
	"page as an answer": func(w http.ResponseWriter, said string) {
		w.Header().Set("Content-Type", "text/html; x="+url.QueryEscape(said))
		_, _ = io.WriteString(w, "<html>\n"+said)
	},
	"gzip": func(w http.ResponseWriter, said string) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(http.StatusInternalServerError)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, said)
		_ = z.Close()
	},
	"redirect": func(w http.ResponseWriter, said string) {
		w.Header().Set("Location", "/login/"+url.PathEscape(said)+"?key="+url.QueryEscape(said))
		w.WriteHeader(http.StatusFound)
	},
	"status line": func(w http.ResponseWriter, said string) {
		answerRaw(w, "HTTP/1.1 500 "+oneLine(said)+"\r\nContent-Length: 0\r\n\r\n")
	},
	"no status line": func(w http.ResponseWriter, said string) {
		answerRaw(w, "HTTP/1.1 "+url.QueryEscape(said)+"\r\n\r\n")
	},
	"no HTTP": func(w http.ResponseWriter, said string) { answerRaw(w, oneLine(said)+"\r\n\r\n") },
	"bad header": func(w http.ResponseWriter, said string) {
		answerRaw(w, "HTTP/1.1 200 OK\r\n"+oneLine(said)+"\r\n\r\n")
	},
	"encoding": func(w http.ResponseWriter, said string) {
		answerRaw(w, "HTTP/1.1 200 OK\r\nContent-Encoding: "+oneLine(said)+"\r\nTransfer-Encoding: "+oneLine(said)+
			"\r\n\r\n")
	},
	"text": func(w http.ResponseWriter, said string) {
		stream(w, delta(said), end("stop", `{"prompt_tokens":1,"completion_tokens":1}`))
	},
	"text in pieces": func(w http.ResponseWriter, said string) {
		var parts []string
		for _, c := range said {
			parts = append(parts, delta(string(c)))
		}
		stream(w, append(parts, end("stop", "null"))...)
	},
	"reasoning in pieces": func(w http.ResponseWriter, said string) {
		parts := []string{delta("x")}
		for _, c := range said {
			parts = append(parts, fmt.Sprintf(`{"choices":[{"index":0,"delta":{"reasoning_content":%s}}]}`,
				inJSON(string(c))))
		}
		stream(w, append(parts, end("stop", "null"))...)
	},
	"whole": func(w http.ResponseWriter, said string) {
		fmt.Fprintf(w, `{"choices":[{"message":{"content":%s},"finish_reason":"stop"}]}`, inJSON(said))
	},
	"finish reason and usage": func(w http.ResponseWriter, said string) {
		stream(w, delta("x"),
			end(said, fmt.Sprintf(`{"prompt_tokens":1,"completion_tokens":2,%s:{"note":%[1]s}}`, inJSON(said))))
	},
	"error in a stream": func(w http.ResponseWriter, said string) {
		stream(w, delta("x"), fmt.Sprintf(`{"error":{"message":%s}}`, inJSON(said)))
	},
	"error event": func(w http.ResponseWriter, said string) {
		_, _ = io.WriteString(w, "data: "+delta("x")+"\n\nevent: error\ndata: "+oneLine(said)+"\n\n")
	},
	"strange event": func(w http.ResponseWriter, said string) {
		_, _ = io.WriteString(w, "data: "+delta("x")+"\n\ndata: "+oneLine(said)+"\n\n")
	},
	"cut event": func(w http.ResponseWriter, said string) {
		_, _ = io.WriteString(w, "data: "+delta("x")+"\n\ndata: {\"a\":"+strings.TrimSuffix(inJSON(said), `"`))
	},
	"malformed JSON": func(w http.ResponseWriter, said string) {
		stream(w, delta("x"), `{"choices":[`+inJSON(said)+`,,]}`)
	},
	"line astray": func(w http.ResponseWriter, said string) {
		_, _ = io.WriteString(w, "data: "+delta("x")+"\n\n{\"error\":"+inJSON(said)+"}\n\n")
	},
	"no choice": func(w http.ResponseWriter, said string) { fmt.Fprintf(w, `{"detail":%s}`, inJSON(said)) },
	"escaped": func(w http.ResponseWriter, said string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":%s}}`, strings.NewReplacer("-", `\u002d`, "S", `\u0053`, "/",
			`\/`).Replace(inJSON(said)))
	},
	"JSON in JSON": func(w http.ResponseWriter, said string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":%s}}`, inJSON(strings.ReplaceAll(inJSON(said), "-", `\u002d`)))
	},
}

func inJSON(text string) string {
	data, _ := json.Marshal(text) // a string never fails
	return string(data)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func delta(text string) string {
	return `{"choices":[{"index":0,"delta":{"content":` + inJSON(text) + `}}]}`
}

func end(reason, usage string) string {
	return `{"choices":[{"index":0,"delta":{},"finish_reason":` + inJSON(reason) + `}],"usage":` + usage + `}`
}

func stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range append(events, "[DONE]") {
		_, _ = io.WriteString(w, "data: "+e+"\n\n")
	}
}

func answerRaw(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// repeater repeats each request whole in its answer, plain and in base64.
func repeater(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := fmt.Sprintf("%v %s %s", r.Header, r.URL, body)
		if scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " "); scheme == "Basic" {
			user, _ := base64.StdEncoding.DecodeString(value)
			said += " user " + string(user)
		}
		for _, value := range r.Header {
			said += " " + base64.StdEncoding.EncodeToString([]byte(value[0]))
		}
		w.Header().Set("X-Session-Token", sesames["session's token"])
		mode, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if strings.HasSuffix(r.URL.Path, "/models") && mode == "model" {
			fmt.Fprintf(w, `{"data":[{"id":%s}]}`, inJSON("m "+said))
			return
		}
		if echo := echoes[mode]; echo != nil {
			echo(w, said)
			return
		}
		stream(w, delta("x"), end("stop", "null"))
	}))
	t.Cleanup(server.Close)
	return server
}

// leaks returns the secrets in a text that a user can see.
func leaks(text string) (found []string) {
	if strings.Contains(text, "esame") {
		found = append(found, "Sesame")
	}
	for where, value := range sesames {
		for _, said := range []string{value, "Bearer " + value, "name:" + value} {
			if strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(said))) {
				found = append(found, where+" in base64")
			}
		}
	}
	return found
}

// seen returns everything that a user can see of a run: records, samples with tags and metadata, the log, the summary.
func (v *vu) seen(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for len(v.samples) > 0 {
		c := (<-v.samples).(*samples.Container)
		text, err := record.Append(nil, c.Line())
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
		for _, s := range c.GetSamples() {
			fmt.Fprintln(&b, s.Metric.Name, s.Tags.Map(), s.Metadata)
		}
	}
	for _, entry := range v.log.AllEntries() {
		fmt.Fprintln(&b, entry.Message, entry.Data)
	}
	summary := v.run(t,
		`summary({state: {isStdOutTTY: false}, metrics: {llm_requests: {values: {count: 1}}, llm_request_failed: `+
			`{values: {passes: 1}}}}).stdout`)
	return b.String() + v.root.process.Failures.String() + summary.String()
}

func TestRepeatedSecretsGoNowhere(t *testing.T) {
	t.Parallel()
	server := repeater(t)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("name", sesames["password"])
	address.RawQuery = url.Values{"api-key": {sesames["query"]}}.Encode()
	for name := range echoes {
		for _, sent := range []struct{ key, header string }{
			{sesames["apiKey"], ""},
			{sesames["apiKey"], "X-Tenant"}, // user and password are sent as well
			{"", ""},                        // likewise
		} {
			address.Path = "/" + name + "/v1"
			v := newVU(t, New())
			options := map[string]any{
				"baseURL": address.String(), "apiKey": sent.key, "model": "m", "text": true,
				"apiKeyHeader": sent.header, "sessionTokenHeader": "X-Session-Token",
				"headers": map[string]string{"X-Api-Key": sesames["X-Api-Key"], "Cookie": sesames["Cookie"],
					"X-Trace": "trace"},
				"extraBody": map[string]any{"token": sesames["extraBody"],
					"deep": []any{map[string]any{"password": sesames["nested"]}}},
				"serverMetrics": address.String(),
			}
			v.run(t, `const client = new Client(`+encoded(options)+`);`)
			v.start(t)
			got := v.run(t, `
				const ask = () => client.chat('hi', {sessionID: 'a', maxTokens: 100, extraBody: {access_key: `+
				inJSON(sesames["request's own"])+`}});
				ask();
				const r = ask();
				JSON.stringify(r)`).String()
			all := got + v.seen(t)
			if found := leaks(all); found != nil || !strings.Contains(all, "***") {
				t.Errorf("%s, key %q: %q in\n%s", name, sent, found, all)
			}
			if named := `"apiKeyHeader":"X-Tenant"`; strings.Contains(all, named) != (sent.header != "") {
				t.Errorf("%s, key %q: is %s in\n%s", name, sent, named, all)
			}
		}
	}
}

// A field named like a password is left out of the options and the body, however short its value is.
func TestShortSecretsInFields(t *testing.T) {
	t.Parallel()
	server, v := repeater(t), newVU(t, New())
	v.run(t, `const client = new Client(`+encoded(map[string]any{
		"baseURL": server.URL, "model": "m", "text": true, "extraBody": map[string]any{"pwd": "hush1", "max_token": 77,
			"hook": map[string]any{"url": "http://u:hush2@h"}},
	})+`);`)
	v.start(t)
	v.run(t, `client.chat('hi', {extraBody: {api_key: 'hush3'}})`)
	all := v.seen(t)
	for _, value := range []string{`hush1`, `:hush2@`, `hush3`} {
		if strings.Contains(all, value) {
			t.Errorf("%s is in\n%s", value, all)
		}
	}
	for _, want := range []string{`"extraBody":{"hook":{"url":"http://***@h"},"max_token":77,"pwd":"***"}`,
		`\"api_key\":\"***\"`, `\"max_token\":77`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is missing in\n%s", want, all)
		}
	}
}

func encoded(options map[string]any) string {
	text, _ := json.Marshal(options) // only strings
	return string(text)
}

// The look for the server quotes its answer in a remark, or in the error that ends the test.
func TestRepeatedSecretsBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	server := repeater(t)
	for name := range echoes {
		for _, model := range []string{"", "m"} {
			v := newVU(t, New())
			v.run(t, `const client = new Client(`+encoded(map[string]any{
				"baseURL": server.URL + "/" + url.PathEscape(name) + "/v1?api-key=" + url.QueryEscape(sesames["query"]),
				"apiKey":  sesames["apiKey"], "model": model,
			})+`);`)
			v.start(t)
			_, err := v.RunOnEventLoop(`client.chat('hi')`)
			all := fmt.Sprint(err) + v.seen(t)
			if found := leaks(all); found != nil || (err == nil) != (model != "") {
				t.Errorf("%s, model %q: %q in\n%s", name, model, found, all)
			}
		}
	}
}

// A request asks for the full name of a model that is named after a secret. Users see the name without the secret.
func TestModelNamedAfterASecret(t *testing.T) {
	t.Parallel()
	server, v := repeater(t), newVU(t, New())
	v.run(t, `const client = new Client(`+
		encoded(map[string]any{"baseURL": server.URL + "/model/v1", "apiKey": sesames["apiKey"], "text": true})+`);`)
	v.start(t)
	all := v.run(t, `JSON.stringify(client.chat('hi'))`).String() + v.seen(t)
	if found := leaks(all); found != nil || !strings.Contains(all, `"model":"m map[`) || !strings.Contains(all, "***") {
		t.Errorf("%q in\n%s", found, all)
	}
}

// Clients that differ only in a secret have an endpoint each, although their options look the same.
func TestClientsWithDifferentSecrets(t *testing.T) {
	t.Parallel()
	server, v := repeater(t), newVU(t, New())
	for i, key := range []string{"first-key", "second-key", "first-key"} {
		v.run(t, fmt.Sprintf("const client%d = new Client(%s);", i,
			encoded(map[string]any{"baseURL": server.URL, "model": "m", "extraBody": map[string]any{"api_key": key}})))
	}
	v.start(t)
	v.run(t, `client0.chat('hi'); client1.chat('hi'); client2.chat('hi')`)
	requests, _ := v.records()
	if len(requests) != 3 || requests[0].Client == requests[1].Client || requests[0].Client != requests[2].Client {
		t.Errorf("got %+v", requests)
	}
}
