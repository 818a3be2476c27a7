package llm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"go.k6.io/k6/v2/lib"
)

// credentialFiles are the paths of the PEM files that a client names. "" means no file.
type credentialFiles struct{ cert, key, ca string }

// credentials holds the certificates that a client presents, and the authorities that it accepts as signers of the
// server's certificate. All VUs share them.
type credentials struct {
	certificates []tls.Certificate
	authorities  *x509.CertPool // nil means those of the system
}

// loadCredentials reads the files that a client's options name, once per process.
func (m *ModuleInstance) loadCredentials(o *clientOptions) error {
	f := o.files
	switch {
	case f == credentialFiles{}:
		return nil
	case f.cert == "" && f.key != "":
		return invalid("Client", "keyPath", errors.New("needs certPath, the certificate it is the key of"))
	case f.cert != "" && f.key == "":
		return invalid("Client", "certPath", errors.New("needs keyPath, the certificate's key"))
	case m.vu.InitEnv() == nil:
		return errors.New("certificates can be read in the init context only: make the Client outside the default " +
			"function")
	}
	for _, path := range []*string{&f.cert, &f.key, &f.ca} {
		if *path != "" {
			*path = m.source().Abs(*path)
		}
	}
	loaded, err := m.root.clients.credentials.Get(f, func() (*credentials, error) { return m.readCredentials(f) })
	o.credentials = loaded
	return err
}

func (m *ModuleInstance) readCredentials(f credentialFiles) (*credentials, error) {
	c := new(credentials)
	if f.cert != "" {
		cert, _, err := m.source().ReadText("certificate", f.cert)
		if err != nil {
			return nil, invalid("Client", "certPath", err)
		}
		key, _, err := m.source().ReadText("key", f.key)
		if err != nil {
			return nil, invalid("Client", "keyPath", err)
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, invalid("Client", "certPath", fmt.Errorf("certificate %s with the key %s: %w", f.cert, f.key,
				err))
		}
		c.certificates = []tls.Certificate{pair}
	}
	if f.ca != "" {
		authorities, _, err := m.source().ReadText("certificates", f.ca)
		if err != nil {
			return nil, invalid("Client", "caPath", err)
		}
		c.authorities = x509.NewCertPool()
		if !c.authorities.AppendCertsFromPEM(authorities) {
			return nil, invalid("Client", "caPath", fmt.Errorf("%s holds no certificate in PEM form", f.ca))
		}
	}
	return c, nil
}

// transport returns the VU's transport, or a copy of it for a client with credentials, so that all of k6's options
// apply to it too. The copy keeps its own connections alive.
func (c *jsClient) transport(state *lib.State) (http.RoundTripper, error) {
	if c.opts.credentials == nil {
		return state.Transport, nil
	}
	if c.secure == nil {
		base, ok := state.Transport.(*http.Transport)
		if !ok {
			return nil,
				fmt.Errorf("certPath and caPath need k6's own transport, not a %T: use k6's options tlsAuth and "+
					"insecureSkipTLSVerify", state.Transport)
		}
		c.secure = c.opts.credentials.over(base)
	}
	return c.secure, nil
}

// dropIdleConnections closes the connections of earlier iterations if k6's option noVUConnectionReuse is set, as k6
// does for the VU's own transport.
func (c *jsClient) dropIdleConnections(state *lib.State, now position) {
	if c.secure == nil || !state.Options.NoVUConnectionReuse.Bool || c.last.scenario == now.scenario &&
		c.last.index == now.index {
		return
	}
	c.secure.CloseIdleConnections()
	c.last = now
}

// over returns a copy of a transport with the credentials. The client's certificate precedes the certificates of
// tlsAuth.
func (c *credentials) over(base *http.Transport) *http.Transport {
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
