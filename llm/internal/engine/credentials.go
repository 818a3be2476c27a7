package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// CredentialFiles are the paths of the PEM files that a client names. "" means no file.
type CredentialFiles struct{ Cert, Key, CA string }

// Credentials holds the certificates that a client presents, and the authorities that it accepts as signers of the
// server's certificate. All VUs share them.
type Credentials struct {
	certificates []tls.Certificate
	authorities  *x509.CertPool // nil means those of the system
}

// loadCredentials reads the files that the options name, once per process.
func (v *VU) loadCredentials(o *Options, source func() *input.Source) error {
	f := o.Files
	switch {
	case f == CredentialFiles{}:
		return nil
	case f.Cert == "" && f.Key != "":
		return invalid("keyPath", errors.New("needs certPath, the certificate it is the key of"))
	case f.Cert != "" && f.Key == "":
		return invalid("certPath", errors.New("needs keyPath, the certificate's key"))
	case v.k6.InitEnv() == nil:
		return errors.New("certificates can be read in the init context only: make the Client outside the default " +
			"function")
	}
	from := source()
	for _, path := range []*string{&f.Cert, &f.Key, &f.CA} {
		if *path != "" {
			*path = from.Abs(*path)
		}
	}
	read := func() (*Credentials, error) { return readCredentials(from, f) }
	loaded, err := v.process.clients.credentials.Get(f, read)
	o.Credentials = loaded
	return err
}

func readCredentials(from *input.Source, f CredentialFiles) (*Credentials, error) {
	c := new(Credentials)
	if f.Cert != "" {
		cert, _, err := from.ReadText("certificate", f.Cert)
		if err != nil {
			return nil, invalid("certPath", err)
		}
		key, _, err := from.ReadText("key", f.Key)
		if err != nil {
			return nil, invalid("keyPath", err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, invalid("certPath", fmt.Errorf("certificate %s with the key %s: %w", f.Cert, f.Key, err))
		}
		c.certificates = []tls.Certificate{pair}
	}
	if f.CA != "" {
		authorities, _, err := from.ReadText("certificates", f.CA)
		if err != nil {
			return nil, invalid("caPath", err)
		}
		c.authorities = x509.NewCertPool()
		if !c.authorities.AppendCertsFromPEM(authorities) {
			return nil, invalid("caPath", fmt.Errorf("%s holds no certificate in PEM form", f.CA))
		}
	}
	return c, nil
}

// transport returns the VU's transport, or a copy of it for a client with credentials, so that all of k6's options
// apply to it too. The copy keeps its own connections alive.
func (c *Client) transport(state *lib.State) (http.RoundTripper, error) {
	if c.opts.Credentials == nil {
		return state.Transport, nil
	}
	if c.secure == nil {
		base, ok := state.Transport.(*http.Transport)
		if !ok {
			return nil,
				fmt.Errorf("certPath and caPath need k6's own transport, not a %T: use k6's options tlsAuth and "+
					"insecureSkipTLSVerify", state.Transport)
		}
		c.secure = c.opts.Credentials.over(base)
	}
	return c.secure, nil
}

// dropIdleConnections closes the connections of earlier iterations if k6's option noVUConnectionReuse is set, as k6
// does for the VU's own transport.
func (c *Client) dropIdleConnections(state *lib.State, now Position) {
	if c.secure == nil || !state.Options.NoVUConnectionReuse.Bool || c.last.scenario == now.scenario &&
		c.last.index == now.index {
		return
	}
	c.secure.CloseIdleConnections()
	c.last = now
}

// over returns a copy of a transport with the credentials. The client's certificate precedes the certificates of
// tlsAuth.
func (c *Credentials) over(base *http.Transport) *http.Transport {
	t := base.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = new(tls.Config)
	}
	t.TLSClientConfig.Certificates = slices.Concat(c.certificates, t.TLSClientConfig.Certificates)
	if c.authorities != nil {
		t.TLSClientConfig.RootCAs = c.authorities
	}
	return t
}
