package e2e

import (
	"fmt"
	"os"
	"testing"
)

// TestMain runs the tests in the root of the repository: the binaries, the scripts and the pages they use are named
// from there.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
