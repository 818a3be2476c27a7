package prometheus

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serviceAccount writes a key file of a service account that gets its tokens from a server.
func serviceAccount(t *testing.T, tokens, project string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": project, "client_email": "a@b", "token_uri": tokens,
		"private_key_id": "1",
		"private_key": string(
			pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// googleServer is the server of tokens and of queries, for the project p alone.
func googleServer(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"tok","token_type":"Bearer","expires_in":3600}`)
	})
	mux.HandleFunc("GET /v1/projects/p/location/global/prometheus/api/v1/query",
		func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer tok" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, answered("1"))
		})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// The environment holds the credentials, so this test cannot run in parallel with others.
func TestGoogle(t *testing.T) {
	server := googleServer(t)
	for _, tt := range []struct{ project, ofCredentials, tokens, want string }{
		{"", "p", "/token", ""},
		{"p", "other", "/token", ""},
		{"", "other", "/token", "no such project (404 Not Found); correct GOOGLE_CLOUD_PROJECT"},
		{"", "p", "/nothing", "Google gives no token for the credentials"},
		{"", "", "/token", "the credentials of Google name no project; set GOOGLE_CLOUD_PROJECT"},
	} {
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccount(t, server.URL+tt.tokens, tt.ofCredentials))
		c, err := Open(t.Context(), Source{Google: true, Project: tt.project, URL: server.URL})
		if err == nil {
			_, err = c.ask(t.Context(), question{text: "x"})
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "nothing"))
	if _, err := Open(t.Context(), Source{Google: true}); err == nil ||
		!strings.HasPrefix(err.Error(), "no credentials of Google found; set GOOGLE_APPLICATION_CREDENTIALS") {
		t.Errorf("without credentials: got %v", err)
	}
}
