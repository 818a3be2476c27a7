package secret

import (
	"os"
	"path/filepath"
	"slices"
)

// InVariable reports whether a variable of an environment holds a secret. Its name tells, but for working directories,
// and for the path of something that is there: SSH_AUTH_SOCK, or a file with a key.
func InVariable(name, value string) bool {
	if !Named(name) || slices.Contains([]string{"PWD", "OLDPWD"}, name) {
		return false
	}
	_, err := os.Stat(value)
	return !filepath.IsAbs(value) || err != nil
}
