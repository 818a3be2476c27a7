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

// credentialFiles are the PEM files of a client that has its own ways under TLS, "" where it has not.
type credentialFiles struct{ cert, key, ca string }

// credentials are what a client shows a server, and by whom the server's certificate must be signed. All VUs share
// them.
type credentials struct {
	certificates []tls.Certificate
	authorities  *x509.CertPool // nil for the system's
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

// transport is the VU's own; of a client with credentials a copy of it, so that all of k6's options hold for it too.
// The copy keeps its own connections alive.
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

// dropIdleConnections closes the connections of earlier iterations if k6's noVUConnectionReuse asks for it, as k6 does with those
// of the VU's transport.
func (c *jsClient) dropIdleConnections(state *lib.State, now position) {
	if c.secure == nil || !state.Options.NoVUConnectionReuse.Bool || c.last.scenario == now.scenario &&
		c.last.index == now.index {
		return
	}
	c.secure.CloseIdleConnections()
	c.last = now
}

// over copies a transport. The client's certificate goes before those of tlsAuth.
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
