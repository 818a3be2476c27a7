package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

func TestFromConfig(t *testing.T) {
	t.Parallel()
	both := &config.Storage{
		Local: &config.LocalStorage{},
		GCS:   &config.GCS{Target: config.Target{Path: "p", Prefix: "x-"}, Bucket: "g"},
		S3: &config.S3{
			Target: config.Target{Path: "q"}, Bucket: "s", Endpoint: "http://minio:9000", Region: "eu-west-1",
			Addressing: "virtual",
		},
	}
	for _, tt := range []struct {
		name string
		c    *config.Storage
		want []Target
	}{
		{"nothing", nil, nil},
		{"local only", &config.Storage{Local: &config.LocalStorage{}}, nil},
		{"both", both, []Target{
			{Provider: GCS, Bucket: "g", Path: "p", Prefix: "x-"},
			{Provider: S3, Bucket: "s", Path: "q", Endpoint: "http://minio:9000", Region: "eu-west-1",
				Addressing: "virtual"},
		}},
	} {
		got, err := FromConfig(tt.c)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
		}
	}
	for name, want := range map[string]string{
		"":       `storage.google_cloud_storage.bucket_name: must not be empty`,
		"gs://b": `storage.google_cloud_storage.bucket_name: "gs://b" is a URL; give the bucket's name alone`,
		"b/folder": `storage.google_cloud_storage.bucket_name: "b/folder" is not the name of a bucket; a folder in ` +
			`it goes into path`,
	} {
		_, err := FromConfig(&config.Storage{GCS: &config.GCS{Bucket: name}})
		refused(t, err, want)
		_, err = FromConfig(&config.Storage{S3: &config.S3{Bucket: name}})
		refused(t, err, strings.Replace(want, "google_cloud_storage", "simple_storage_service", 1))
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ provider, path, prefix, file, want string }{
		{"gs", "reports", "", "a.json", "reports/a.json"},
		{"gs", "reports", "run-", "a.json", "reports/run-a.json"},
		{"gs", "a/b/", "", "a.json", "a/b//a.json"},
		{"gs", "/a", "", "a.json", "/a/a.json"},
		{"gs", "", "run-", "a.json", "run-a.json"},
		{"s3", "reports", "run-", "org/a.json", "reports/run-org/a.json"},
		{"s3", "//a", "", "a.json", "a/a.json"},
		{"s3", "", "", "a.json", "a.json"},
	} {
		target := Target{Provider: Provider(tt.provider), Path: tt.path, Prefix: tt.prefix}
		if got := target.object(tt.file); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, bucket, object string }{
		{"gs://b/a.json", "b", "a.json"},
		{"s3://b/p/a%20b?c#d.json", "b", "p/a%20b?c#d.json"},
		{"gs://b//a", "b", "/a"},
	} {
		target, object, err := parse(tt.url)
		if err != nil || target.Bucket != tt.bucket || object != tt.object || target.url(object) != tt.url {
			t.Errorf("%s: got %+v, %q, %v", tt.url, target, object, err)
		}
	}
	for url, want := range map[string]string{
		"http://b/a": `"http://b/a" is no object's URL, want gs://bucket/name or s3://bucket/name`,
		"s3:/b/a":    `"s3:/b/a" is no object's URL, want gs://bucket/name or s3://bucket/name`,
		"s3://b":     `"s3://b" names no object, want s3://b/name`,
		"s3://b/":    `"s3://b/" names no object, want s3://b/name`,
		"gs:///a":    `"gs:///a": bucket: must not be empty`,
		"gs://b?/a":  `"gs://b?/a": bucket: "b?" is not the name of a bucket; a folder in it goes into path`,
	} {
		_, err := Open(t.Context(), url)
		refused(t, err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, url := range []string{"gs://b/a", "s3://b/a?b#c%20", "s3://b", "file:///a", "gs://://", "", "gs://../x",
		"s3://b/../../x", "gs://b/\x00\u202e", "s3://u:p@b/a", "gs://b/" + strings.Repeat("a/", 500)} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		target, object, err := parse(url)
		if err == nil && target.url(object) != url {
			t.Errorf("%q became %q", url, target.url(object))
		}
		if err == nil && !IsURL(url) {
			t.Errorf("%q was accepted as a URL", url)
		}
	})
}

func TestContentType(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.json": "application/json", "config.yaml": "application/yaml",
		"requests.parquet": "application/vnd.apache.parquet",
		"report.HTML":      "text/html; charset=utf-8", "records.jsonl.zst": "application/zstd",
		"none": "application/octet-stream",
	} {
		if got := contentType("p/" + name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestAddressing checks the URLs that the client signs, which needs no server.
func TestAddressing(t *testing.T) {
	isolate(t)
	for _, tt := range []struct {
		target      Target
		environment string
		want        string
	}{
		{Target{}, "", "https://bucket.s3.us-east-1.amazonaws.com/a"},
		{Target{Region: "eu-west-1"}, "", "https://bucket.s3.eu-west-1.amazonaws.com/a"},
		{Target{Addressing: "path"}, "", "https://s3.us-east-1.amazonaws.com/bucket/a"},
		{Target{Addressing: "auto"}, "", "https://bucket.s3.us-east-1.amazonaws.com/a"},
		{Target{Endpoint: "http://minio:9000"}, "", "http://minio:9000/bucket/a"},
		{Target{Endpoint: "http://minio:9000", Addressing: "auto"}, "", "http://minio:9000/bucket/a"},
		{Target{Endpoint: "http://minio:9000", Addressing: "virtual"}, "", "http://bucket.minio:9000/a"},
		{Target{}, "http://ceph", "http://ceph/bucket/a"},
		{Target{Endpoint: "http://minio:9000"}, "http://ceph", "http://minio:9000/bucket/a"},
	} {
		t.Setenv("AWS_ENDPOINT_URL", tt.environment)
		tt.target.Bucket = "bucket" // names of fewer than three characters never go into the host
		b, err := openS3(t.Context(), tt.target, newTraffic(patience))
		if err != nil {
			t.Fatal(err)
		}
		object := "a"
		signed, err := s3.NewPresignClient(b.(*s3Bucket).client).PresignGetObject(t.Context(),
			&s3.GetObjectInput{Bucket: &tt.target.Bucket, Key: &object})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(signed.URL, "?"); got != tt.want {
			t.Errorf("%+v, AWS_ENDPOINT_URL %q: got %s, want %s", tt.target, tt.environment, got, tt.want)
		}
	}
}

func ExampleFromConfig() {
	targets, err := FromConfig(&config.Storage{
		S3: &config.S3{Target: config.Target{Path: "nightly", Prefix: "h100-"}, Bucket: "benchmarks"},
	})
	fmt.Println(targets[0], err)
	// Output: s3://benchmarks/nightly/h100- <nil>
}
