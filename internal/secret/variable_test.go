package secret

import (
	"os"
	"path/filepath"
	"testing"
)

func TestInVariable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, value string
		want        bool
	}{
		{"API_KEY", "sk-1", true}, {"DB_PWD", "x", true}, {"HOME", "/root", false}, {"PWD", "/gone", false},
		{"OLDPWD", "/gone", false}, {"SSH_AUTH_SOCK", file, false}, {"API_KEY", file + "x", true},
		{"API_KEY", "key", true},
	} {
		if got := InVariable(tt.name, tt.value); got != tt.want {
			t.Errorf("%s=%s: got %t", tt.name, tt.value, got)
		}
	}
}
