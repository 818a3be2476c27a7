package storage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/storage/storagetest"
)

// The credentials of these tests. No error may hold the secret key.
const (
	accessKey = storagetest.AccessKey
	secretKey = storagetest.SecretKey
)

// isolate replaces the machine's own credentials and settings by the credentials of the tests. Call it after the start
// of a server: without a home directory, Go would build the server anew.
func isolate(t *testing.T) {
	t.Helper()
	for _, name := range os.Environ() {
		name, _, _ := strings.Cut(name, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "GOOGLE_") || name == "STORAGE_EMULATOR_HOST" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "HOME": nowhere, "APPDATA": nowhere,
	} {
		t.Setenv(name, value)
	}
}

// report writes files, named by their keys, to a directory.
func report(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// refused demands an error of exactly this text. The error is therefore on one line and holds no secret.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
