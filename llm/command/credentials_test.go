package command

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files of certificates are read before anything is sent, and an authority that is named makes its servers known.
func TestProbeTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	save := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	save("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	save("other.pem", "no certificate")
	for _, tt := range []struct {
		name  string
		files credentialFiles
		want  string // the error; "" if the server is reached
	}{
		{"nothing", credentialFiles{}, "failed to verify certificate"},
		{"the authority", credentialFiles{ca: "ca.pem"}, ""},
		{"no file", credentialFiles{ca: "absent.pem"}, "certificates of authorities: open "},
		{"no certificate", credentialFiles{ca: "other.pem"}, "holds no certificate in PEM form"},
		{"a certificate alone", credentialFiles{cert: "ca.pem"}, "give both --cert and --key"},
		{"no key", credentialFiles{cert: "ca.pem", key: "other.pem"}, `ca.pem" with the key "`},
	} {
		rt, err := probeTransport(tt.files.under(dir))
		if err == nil {
			var resp *http.Response
			if resp, err = (&http.Client{Transport: rt}).Get(server.URL); err == nil {
				_ = resp.Body.Close()
			}
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if c, err := (credentialFiles{}).config(); c != nil || err != nil {
		t.Errorf("no files: got %v, %v, want the system's defaults", (*tls.Config)(c), err)
	}
}
