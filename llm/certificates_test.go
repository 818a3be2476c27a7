package llm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gopkg.in/guregu/null.v3"
)

// issued is a certificate with its key, signed by an authority or by itself.
type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func issue(t *testing.T, name string, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     by == nil, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if by == nil {
		by = &issued{form, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func (i *issued) certPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

func (i *issued) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// private returns a server that demands certificates of an authority, and has one from the same authority.
func private(t *testing.T, authority *issued) *recorder {
	t.Helper()
	own := issue(t, "server", authority)
	s := &recorder{connections: map[string]bool{}}
	s.Server = httptest.NewUnstartedServer(s)
	pool := x509.NewCertPool()
	pool.AddCert(authority.cert)
	s.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12,
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are the point
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	client, stranger := issue(t, "client", authority), issue(t, "stranger", nil)
	server := private(t, authority)
	own := tls.Certificate{Certificate: [][]byte{client.cert.Raw}, PrivateKey: client.key}
	for _, tt := range []struct {
		name, options string
		ofK6          *tls.Config
		abort         string // text of the abort; "" if the client connects
	}{
		{"certificate and authority", `certPath: 'c.pem', keyPath: './c.key', caPath: 'ca.pem'`, nil, ""},
		{"k6 skips the check of the server", `certPath: 'c.pem', keyPath: 'c.key'`,
			&tls.Config{InsecureSkipVerify: true}, ""},
		{"the certificate is k6's", `caPath: 'ca.pem'`, &tls.Config{Certificates: []tls.Certificate{own},
			MinVersion: tls.VersionTLS12}, ""},
		{"nothing", ``, nil, "certificate signed by unknown authority"},
		{"no authority", `certPath: 'c.pem', keyPath: 'c.key'`, nil, "certificate signed by unknown authority"},
		{"no certificate", `caPath: 'ca.pem'`, nil, "tls: certificate required"},
		{"certificate of a stranger", `certPath: 's.pem', keyPath: 's.key', caPath: 'ca.pem'`, nil, "tls: "},
	} {
		v := newVU(t, New())
		v.write(t, "/scripts/c.pem", "\ufeff"+client.certPEM())
		v.write(t, "/scripts/c.key", client.keyPEM(t))
		v.write(t, "/scripts/s.pem", stranger.certPEM())
		v.write(t, "/scripts/s.key", stranger.keyPEM(t))
		v.write(t, "/scripts/ca.pem", "\ufeff"+authority.certPEM()) // as editors of Windows save it
		v.run(t, `const client = new Client({baseURL: '`+server.URL+`', `+tt.options+`});`)
		v.start(t)
		v.state.Transport.(*http.Transport).TLSClientConfig = tt.ofK6
		_, err := v.RunOnEventLoop(`client.chat('hi')`)
		requests, _ := v.records()
		switch {
		case tt.abort == "" && (err != nil || len(requests) != 1 || requests[0].Failed()):
			t.Errorf("%s: got %v, %d records", tt.name, err, len(requests))
		case tt.abort != "" && (err == nil || !strings.Contains(err.Error(), tt.abort)):
			t.Errorf("%s: got %v, want an abort with %q", tt.name, err, tt.abort)
		}
	}
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	one, other := issue(t, "one", nil), issue(t, "other", nil)
	for _, tt := range []struct{ options, want string }{
		{`certPath: 'none.pem', keyPath: 'one.key'`,
			`Client option "certPath": certificate /scripts/none.pem does not exist: check its path`},
		{`certPath: 'one.pem', keyPath: 'none.key'`,
			`Client option "keyPath": key /scripts/none.key does not exist: check its path`},
		{`certPath: 'one.key', keyPath: 'one.key'`,
			`Client option "certPath": certificate /scripts/one.key with the key /scripts/one.key: tls: `},
		{`certPath: 'one.pem', keyPath: 'other.key'`,
			`certificate /scripts/one.pem with the key /scripts/other.key: tls: private key does not match public key`},
		{`caPath: 'one.key'`, `Client option "caPath": /scripts/one.key holds no certificate in PEM form`},
	} {
		v := newVU(t, New())
		v.write(t, "/scripts/one.pem", one.certPEM())
		v.write(t, "/scripts/one.key", one.keyPEM(t))
		v.write(t, "/scripts/other.key", other.keyPEM(t))
		if _, err := v.RunOnEventLoop(`new Client({` + tt.options + `})`); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.options, err, tt.want)
		}
	}
}

func TestCertificatesInTheVUContextThrow(t *testing.T) {
	t.Parallel()
	v := newVU(t, New())
	v.start(t)
	_, err := v.RunOnEventLoop(`new Client({caPath: 'ca.pem'})`)
	if want := "certificates can be read in the init context only"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// The copy of the VU's transport keeps its connection, and obeys k6's noVUConnectionReuse as the VU's own does.
func TestConnectionsOfAClientWithCertificates(t *testing.T) {
	t.Parallel()
	authority := issue(t, "authority", nil)
	client, root := issue(t, "client", authority), New()
	for fresh, want := range map[bool]int{false: 1, true: 3} {
		server, v := private(t, authority), newVU(t, root)
		v.write(t, "/scripts/c.pem", "\ufeff"+client.certPEM())
		v.write(t, "/scripts/c.key", client.keyPEM(t))
		v.write(t, "/scripts/ca.pem", "\ufeff"+authority.certPEM()) // as editors of Windows save it
		v.run(t, `const client = new Client({baseURL: '`+server.URL+`', certPath: 'c.pem', keyPath: 'c.key', `+
			`caPath: 'ca.pem'});`)
		v.start(t)
		v.state.Options.NoVUConnectionReuse = null.BoolFrom(fresh)
		for range 3 {
			v.iter++
			v.run(t, `client.chat('hi'); client.chat('hi')`)
		}
		if requests, _ := v.records(); len(server.connections) != want || len(requests) != 6 || requests[5].Failed() {
			t.Errorf("noVUConnectionReuse %t: %d connections, want %d; %d records", fresh, len(server.connections),
				want, len(requests))
		}
	}
}
