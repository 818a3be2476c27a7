//go:build unix

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// daemon is a program of others that serves on a port until the test ends.
type daemon struct {
	port    int
	address string // host and port
	log     string // the file of what the program writes
	stop    func() // ends the program as SIGTERM does, and waits for its end
}

// startDaemon starts a program that listens on a port, and waits until it does. The program ends with the test, even if
// the test is killed: a shell waits for the end of its input, which is this process's.
func startDaemon(t *testing.T, port int, command ...string) *daemon {
	t.Helper()
	d := &daemon{port: port, address: fmt.Sprintf("127.0.0.1:%d", port), log: filepath.Join(t.TempDir(), "daemon.log")}
	output, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	const guard = `"$@" & server=$!; read -r end; kill "$server"; wait "$server"`
	cmd := exec.Command("sh", append([]string{"-c", guard, "sh"}, command...)...)
	cmd.Stdout, cmd.Stderr = output, output
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	d.stop = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		_ = output.Close()
	})
	t.Cleanup(d.stop)
	for range 6000 {
		if conn, err := net.Dial("tcp", d.address); err == nil {
			_ = conn.Close()
			return d
		}
		<-time.After(50 * time.Millisecond)
	}
	d.stop()
	t.Fatalf("after five minutes %s does not listen on %s\n%s", command[0], d.address, testenv.ReadFile(t, d.log))
	return nil
}

// certificates writes ca.pem, cert.pem and key.pem into a folder: a certificate for 127.0.0.1, and that of the
// authority that signed it, which no system knows.
func certificates(t *testing.T, dir string) {
	t.Helper()
	issue := func(name string, parent *x509.Certificate,
		signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		form := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: parent == nil, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		}
		if parent == nil {
			parent, signer = form, key
		}
		der, err := x509.CreateCertificate(rand.Reader, form, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	save := func(name, kind string, der []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	authority, authorityKey := issue("authority of the test", nil, nil)
	own, key := issue("proxy of the test", authority, authorityKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	save("ca.pem", "CERTIFICATE", authority.Raw)
	save("cert.pem", "CERTIFICATE", own.Raw)
	save("key.pem", "PRIVATE KEY", der)
}

// load runs a script to its end with a record, and returns what it left. Nothing is sent to anyone but the script's
// server.
func load(t *testing.T, args ...string) outcome {
	t.Helper()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	return readOutcome(t, records, k6(t, append([]string{"run", "--quiet", "--out", "llm=" + records}, args...)...))
}

// summarized runs a script of the project, whose screen has the summary, with eight requests in a second. The settings
// are such as MAX_TOKENS=5.
func summarized(t *testing.T, url string, settings ...string) outcome {
	t.Helper()
	var args []string
	for _, setting := range append([]string{"BASE_URL=" + url, "RATE=8", "DURATION=1s", "EXECUTOR=llm-arrival-rate"},
		settings...) {
		args = append(args, "-e", setting)
	}
	return load(t, append(args, "scripts/mock.js")...)
}

// proxyPath returns the path of one of the installed proxies.
func proxyPath(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(testenv.Server(t, "proxies"), "bin", name)
}

// arrived sums up how the chunks of answers came.
type arrived struct {
	chunks   int     // per answer; -1 if answers differ
	gaps     int     // between chunks
	together int     // gaps of less than a quarter of the time between tokens
	median   float64 // gap, in milliseconds
}

// arrivedChunks sums up answers, all of which must have succeeded. itl is the time between tokens of the server.
func arrivedChunks(t *testing.T, requests []*record.Request, itl time.Duration) (a arrived) {
	t.Helper()
	var gaps []float64
	for i, q := range requests {
		if q.Failed() {
			t.Fatalf("request %d: %s: %s", q.Index, q.ErrorType, q.Error)
		}
		switch n := len(q.Chunks); {
		case i == 0:
			a.chunks = n
		case n != a.chunks:
			a.chunks = -1
		}
		for j, at := range q.Chunks[1:] {
			gap := time.Duration(at-q.Chunks[j]) * time.Microsecond
			gaps = append(gaps, gap.Seconds()*1000)
			if gap < itl/4 {
				a.together++
			}
		}
	}
	if a.gaps = len(gaps); a.gaps == 0 {
		t.Fatalf("no gap in %d answers", len(requests))
	}
	a.median = median(gaps)
	return a
}

// told checks what a command told the user, and the code with which it ended.
func told(t *testing.T, r result, code int, wanted ...string) {
	t.Helper()
	all := r.stdout + r.stderr
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s", r.code, code, all)
	}
	for _, want := range wanted {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if bytes.Contains([]byte(all), []byte("<html")) {
		t.Errorf("raw HTML:\n%s", all)
	}
}

// overhead measures what a proxy adds to a server, prints it, and checks that it is what a proxy on the same machine
// can add. Each prompt goes both ways, in random order.
func overhead(t *testing.T, direct, proxy string) {
	t.Helper()
	records := filepath.Join(t.TempDir(), "run.jsonl")
	mustSucceed(t, k6(t, "run", "--quiet", "--out", "llm="+records, "-e", "DIRECT_URL="+direct+"/v1", "-e",
		"GATEWAY_URL="+proxy+"/v1", "-e", "RATE=8", "-e", "DURATION=8s", "-e", "MAX_TOKENS=10", "-e", "SEED=1",
		"scripts/gateway.js"))
	r := mustSucceed(t, run(t, 0, nil, "llmconv", "compare", "--paired", records, "--format", "json"))
	var compared struct {
		Groups []struct {
			Metrics []struct {
				Name     string
				Change   *float64
				Interval *struct{ Low, High float64 } `json:"change_interval"`
			}
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &compared); err != nil || len(compared.Groups) != 1 {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	known := 0
	for _, m := range compared.Groups[0].Metrics {
		if m.Change == nil || m.Interval == nil || !slices.Contains([]string{"p50(ttft)", "p50(itl)"}, m.Name) {
			continue
		}
		known++
		const ms = 1e3
		t.Logf("%s: %+.3f ms, 95 %%: %+.3f to %+.3f ms", m.Name, *m.Change*ms, m.Interval.Low*ms, m.Interval.High*ms)
		if m.Interval.Low > *m.Change || m.Interval.High < *m.Change || *m.Change*ms < -5 || *m.Change*ms > 20 {
			t.Errorf("%s: %v s from %v to %v", m.Name, *m.Change, m.Interval.Low, m.Interval.High)
		}
	}
	if known != 2 {
		t.Errorf("no figure of the overhead has an interval\n%s", r.stdout)
	}
}

// oneLine joins the lines of a text, however it was wrapped.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
