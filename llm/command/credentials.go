package command

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// credentialFiles are the paths of PEM files: a client certificate with its key, and the authorities that may have
// signed the server's certificate. "" means no file.
type credentialFiles struct{ cert, key, ca string }

// under returns the files with relative paths that start in a folder.
func (f credentialFiles) under(dir string) credentialFiles {
	for _, path := range []*string{&f.cert, &f.key, &f.ca} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return f
}

// config returns what TLS is to use, nil for the system's defaults.
func (f credentialFiles) config() (*tls.Config, error) {
	if f == (credentialFiles{}) {
		return nil, nil
	}
	c := new(tls.Config)
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("a client certificate needs its key: give both --cert and --key")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("certificate %q with the key %q: %w", f.cert, f.key, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("certificates of authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%q holds no certificate in PEM form", f.ca)
		}
	}
	return c, nil
}

// probeTransport returns a transport as k6's, with the client's certificates: it asks for no compression, and trusts
// any certificate if k6's variable says so.
func probeTransport(files credentialFiles) (http.RoundTripper, error) {
	config, err := files.config()
	if err != nil {
		return nil, err
	}
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport, nil
	}
	t = t.Clone()
	t.DisableCompression = true
	if config != nil {
		t.TLSClientConfig = config
	}
	if trust, err := strconv.ParseBool(os.Getenv("K6_INSECURE_SKIP_TLS_VERIFY")); err == nil && trust {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = new(tls.Config)
		}
		t.TLSClientConfig.InsecureSkipVerify = true
	}
	return t, nil
}
