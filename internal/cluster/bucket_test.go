package cluster

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Secrets of the tests. None of these texts may be seen outside Secrets.
const (
	apiKey    = "sk-of-the-tests-8d1f"
	hubToken  = "hf_of_the_tests_77aa"
	accessKey = "AKIDOFTHETESTS"
	secretKey = "secret-of-the-tests-31c9"
)

// startBucket starts a server of S3's API, which pods and the test reach, with the bucket llm-benchmarks.
func startBucket(t *testing.T) (endpoint string) {
	t.Helper()
	files, side, users := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(files, "llm-benchmarks"), 0o700); err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(Gateway, "7070")
	cmd := exec.Command(filepath.Join(root(), ".deps", "servers", "versitygw"), "--access", accessKey, "--secret",
		secretKey, "--quiet", "--iam-dir", users, "--port", address, "posix", "--sidecar", side, files)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 300 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatal("versitygw does not listen")
	return ""
}

// startHub starts a hub that has one file under any name, and gives it to those who bring the token.
func startHub(t *testing.T, path string) (endpoint string) {
	t.Helper()
	text := readFile(t, path)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+hubToken {
			w.Header().Set("X-Error-Code", "GatedRepo")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			_, _ = w.Write([]byte(`{"sha": "0123456789012345678901234567890123456789",
				"siblings": [{"rfilename": "ShareGPT_V3_unfiltered_cleaned_split.json"}]}`))
			return
		}
		w.Header().Set("X-Repo-Commit", "0123456789012345678901234567890123456789")
		w.Header().Set("ETag", `"of-the-tests"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		_, _ = w.Write([]byte(text))
	}))
	listener, err := net.Listen("tcp", Gateway+":0")
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}
