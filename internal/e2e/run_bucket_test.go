package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/storage/storagetest"
)

// Records go to a bucket when the run ends, and llmconv reads them from there. A name that cannot be stored is refused
// before the run, and no name is used twice.
func TestRecordsInABucket(t *testing.T) {
	endpoint := storagetest.S3(t)
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": storagetest.AccessKey, "AWS_SECRET_ACCESS_KEY": storagetest.SecretKey,
		"AWS_ENDPOINT_URL":          endpoint,
		"AWS_EC2_METADATA_DISABLED": "true", "RATE": "10", "DURATION": "1s", "TMPDIR": t.TempDir(),
	} {
		t.Setenv(name, value)
	}
	const folder = "s3://reports/runs/7/"
	args := []string{"run", "--quiet", "--tag", "instance_id=1", "--out", "llm=" + folder, "scripts/mock.js"}
	mustSucceed(t, k6(t, args...))
	out := filepath.Join(t.TempDir(), "report")
	mustSucceed(t, run(t, 0, nil, "llmconv", "report", folder, "-o", out))
	if s := readReport(t, filepath.Join(out, "summary_lifecycle_metrics.json")); s.Successes.Count != 10 {
		t.Errorf("%d requests came back, want 10", s.Successes.Count)
	}
	spools, err := filepath.Glob(filepath.Join(os.TempDir(), "k6-llm-records-*"))
	if err != nil || len(spools) != 0 {
		t.Errorf("left behind: %q, %v", spools, err)
	}

	again := k6(t, args...)
	if again.code == 0 || !strings.Contains(again.stderr, folder+"records-1.jsonl exists, and objects are never "+
		"replaced") {
		t.Errorf("the same name again: exit code %d\n%s", again.code, again.stderr)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	if r := k6(t, args...); r.code == 0 || !strings.Contains(r.stderr, "SignatureDoesNotMatch") ||
		strings.Contains(r.stdout, "requests") {
		t.Errorf("wrong credentials: exit code %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	if r := run(t, 0, nil, "llmconv", "report", folder, "-o", out+"2"); r.code != 2 ||
		!strings.Contains(r.stderr, "SignatureDoesNotMatch") {
		t.Errorf("wrong credentials: exit code %d\n%s", r.code, r.stderr)
	}
}
