package storage

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed-307b789f/xk6-llm/internal/storage/storagetest"
)

// files is a small report: a file large enough to be sent in parts, an empty file, a file in a folder, and a name that
// needs escaping in a URL.
var files = map[string]string{
	"summary_lifecycle_metrics.json":        `{"load_summary": {}}`,
	"config.yaml":                           "api: {}\n",
	"requests.parquet":                      strings.Repeat("0123456789abcdef", 20<<20/16) + "end",
	"adapter_org/a_lifecycle_metrics.json":  "{}",
	"adapter_50% #1?_lifecycle_metrics.txt": "é",
	"stage_0_lifecycle_metrics.json":        "",
}

// objectNames returns the names of the objects of files under a path and a prefix.
func objectNames(path, prefix string) []string {
	var names []string
	for name := range files {
		names = append(names, path+"/"+prefix+name)
	}
	slices.Sort(names)
	return names
}

// testTarget stores the report twice, the second time with changes, and reads it back.
func testTarget(t *testing.T, target Target, typeOf func(object string) string) {
	ctx := t.Context()
	if err := target.Check(ctx); err != nil {
		t.Fatal(err)
	}
	dir := report(t, files)
	want := objectNames(target.Path, target.Prefix)
	uploaded, skipped, err := target.Upload(ctx, dir, nil)
	slices.Sort(uploaded)
	if err != nil || !slices.Equal(uploaded, want) || len(skipped) != 0 {
		t.Fatalf("got %q, skipped %q, %v, want %q", uploaded, skipped, err, want)
	}
	for name, content := range files {
		object := target.object(name)
		if got := read(t, target, object); got != content {
			t.Errorf("%s: got %d bytes, want %d", name, len(got), len(content))
		}
		if got, want := typeOf(object), contentType(name); got != want {
			t.Errorf("%s: got type %q, want %q", name, got, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	uploaded, skipped, err = target.Upload(ctx, dir, nil)
	slices.Sort(skipped)
	if err != nil || len(uploaded) != 0 || !slices.Equal(skipped, want) {
		t.Errorf("second upload: got %q, skipped %q, %v", uploaded, skipped, err)
	}
	if got := read(t, target, target.object("config.yaml")); got != files["config.yaml"] {
		t.Errorf("an object was replaced: %q", got)
	}
	testCreate(t, target)
}

// testCreate creates an object that appeared after the question whether it exists. It must not be replaced.
func testCreate(t *testing.T, target Target) {
	s := target.session()
	if err := s.check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{5, 20 << 20} {
		content := strings.Repeat("x", size)
		err := s.bucket.create(t.Context(), target.object("config.yaml"), "text/plain", strings.NewReader(content),
			int64(size))
		if err != errExists {
			t.Errorf("%d bytes: got %v", size, err)
		}
	}
	if got := read(t, target, target.object("config.yaml")); got != files["config.yaml"] {
		t.Errorf("an object was replaced: %d bytes", len(got))
	}
}

// testObjects stores files one by one by their URLs, finds them by a pattern and reads them back.
func testObjects(t *testing.T, bucket string) {
	ctx, dir := t.Context(), t.TempDir()
	var want []string
	for _, name := range []string{"runs/1/records-1.jsonl", "runs/1/records-2.jsonl", "runs/1/x/records-3.jsonl",
		"runs/1/notes.txt"} {
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Vacant(ctx, bucket+name); err != nil {
			t.Errorf("before %s is stored: %v", name, err)
		}
		if err := Store(ctx, bucket+name, file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Vacant(ctx, bucket+name); err == nil || !strings.Contains(err.Error(), bucket+name+" exists") {
			t.Errorf("after %s was stored: got %v", name, err)
		}
		if err := Store(ctx, bucket+name, file); err == nil || !strings.Contains(err.Error(), bucket+name+" exists") {
			t.Errorf("storing %s a second time: got %v", name, err)
		}
		want = append(want, bucket+name)
	}
	found, err := Find(ctx, bucket+"runs/?/records-*.jsonl")
	if err != nil || !slices.Equal(found, want[:2]) {
		t.Errorf("got %q, %v, want %q", found, err, want[:2])
	}
	if _, err := Find(ctx, bucket+"runs/2/*"); err == nil ||
		!strings.Contains(err.Error(), "matches no object of 0 beneath "+bucket+"runs/2/") {
		t.Errorf("a pattern that nothing matches: got %v", err)
	}
	for _, url := range found {
		path, err := Download(ctx, url, dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || bucket+string(got) != url ||
			!strings.HasSuffix(path, filepath.FromSlash(string(got))) {
			t.Errorf("%s: got %q at %s, %v", url, got, path, err)
		}
	}
}

func read(t *testing.T, target Target, object string) string {
	t.Helper()
	r, err := target.Open(t.Context(), object)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Close()
	var content bytes.Buffer
	if _, err := io.Copy(&content, r); err != nil {
		t.Error(err)
	}
	return content.String()
}

func TestS3(t *testing.T) {
	endpoint := storagetest.S3(t)
	isolate(t)
	target := Target{Provider: S3, Bucket: "reports", Path: "a/b", Prefix: "run-", Endpoint: endpoint}
	testTarget(t, target, func(object string) string {
		b, err := openS3(t.Context(), target, newTraffic(patience))
		if err != nil {
			t.Fatal(err)
		}
		head, err := b.(*s3Bucket).client.HeadObject(t.Context(),
			&s3.HeadObjectInput{Bucket: &target.Bucket, Key: &object})
		if err != nil {
			t.Fatal(err)
		}
		return *head.ContentType
	})

	missing := target
	missing.Bucket = "nowhere"
	refused(t, missing.Check(t.Context()),
		fmt.Sprintf(`s3 bucket "nowhere" at %s: no such bucket; create it, or correct bucket_name`, endpoint))
	_, err := target.Open(t.Context(), "a/b/none")
	refused(t, err, fmt.Sprintf(`s3 bucket "reports" at %s: reading "a/b/none": no such object`, endpoint))

	t.Setenv("AWS_ENDPOINT_URL", endpoint)
	r, err := Open(t.Context(), "s3://reports/a/b/run-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil || string(content) != files["config.yaml"] || r.Close() != nil {
		t.Errorf("got %q, %v", content, err)
	}

	testObjects(t, "s3://reports/")
	testChecksums(t, target)
	refuseS3(t, target)
}

// testChecksums stores the report as in AWS's own S3: with the checksums that are not sent to other servers.
func testChecksums(t *testing.T, target Target) {
	opened, err := openS3(t.Context(), target, newTraffic(patience))
	if err != nil {
		t.Fatal(err)
	}
	b := opened.(*s3Bucket)
	options := b.client.Options()
	options.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	b.client = s3.New(options)
	for name, content := range map[string]string{"small": "abc", "large": files["requests.parquet"], "empty": ""} {
		if err := b.create(t.Context(), name, "text/plain", strings.NewReader(content),
			int64(len(content))); err != nil {
			t.Error(err)
		}
		head, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &target.Bucket, Key: &name,
			ChecksumMode: types.ChecksumModeEnabled})
		if err != nil || aws.ToString(head.ChecksumCRC32) == "" {
			t.Errorf("%s has no checksum, %v", name, err)
		}
		if got := read(t, target, name); got != content {
			t.Errorf("%s: got %d bytes", name, len(got))
		}
	}
}

// refuseS3 uses credentials that the server rejects.
func refuseS3(t *testing.T, target Target) {
	const advice = "; check the credentials, and that they may list, read and write the bucket"
	subject := fmt.Sprintf(`s3 bucket "reports" at %s: `, target.Endpoint)
	dir := report(t, files)
	for _, tt := range []struct{ key, secret, want string }{
		{accessKey, "sesame-close", "access refused (403 Forbidden, SignatureDoesNotMatch)"},
		{"AKIDOTHER", secretKey, "access refused (403 Forbidden, InvalidAccessKeyId)"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", tt.key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", tt.secret)
		want := subject + tt.want + advice
		refused(t, target.Check(t.Context()), want)
		uploaded, skipped, err := target.Upload(t.Context(), dir, nil)
		refused(t, err, fmt.Sprintf("%s; the report stays in %q", want, dir))
		if len(uploaded)+len(skipped) != 0 {
			t.Errorf("got %q, %q", uploaded, skipped)
		}
		_, err = target.Open(t.Context(), "a/b/run-config.yaml")
		refused(t, err, subject+`reading "a/b/run-config.yaml": `+tt.want+advice)
	}
}

func TestGCS(t *testing.T) {
	host := storagetest.GCS(t)
	isolate(t)
	t.Setenv("STORAGE_EMULATOR_HOST", host)
	target := Target{Provider: GCS, Bucket: "reports", Path: "/a/b", Prefix: "run-"}
	testTarget(t, target, func(object string) string {
		b, err := openGCS(t.Context(), target, newTraffic(patience))
		if err != nil {
			t.Fatal(err)
		}
		response, err := b.(*gcsBucket).send(t.Context(),
			request{method: http.MethodGet,
				url: b.(*gcsBucket).url(objects, object, map[string][]string{"alt": {"media"}})})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.Header.Get("Content-Type")
	})

	missing := target
	missing.Bucket = "nowhere"
	refused(t, missing.Check(t.Context()),
		fmt.Sprintf(`google cloud storage bucket "nowhere" at http://%s: no such bucket; create it, or correct `+
			`bucket_name`, host))

	t.Setenv("STORAGE_EMULATOR_HOST", "http://"+host+"/") // with and without a scheme: both are in use
	r, err := Open(t.Context(), "gs://reports//a/b/run-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil || string(content) != files["config.yaml"] || r.Close() != nil {
		t.Errorf("got %q, %v", content, err)
	}
	testObjects(t, "gs://reports/")
	_, err = Open(t.Context(), "gs://reports/none")
	refused(t, err, fmt.Sprintf(`google cloud storage bucket "reports" at http://%s: reading "none": no such object`,
		host))
}
