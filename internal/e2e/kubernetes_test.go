package e2e

import (
	"os"
	"os/exec"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// The tests of examples/kubernetes pass. The folder is a module of its own, because a build with this module does not
// need the operator's types, which take minutes to compile the first time.
func TestKubernetesExamples(t *testing.T) {
	t.Parallel()
	testenv.KubernetesTypes(t)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./...")
	cmd.Dir, cmd.Env = "examples/kubernetes", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
