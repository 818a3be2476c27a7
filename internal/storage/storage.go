// Package storage puts the files of a finished report into object storage, Google Cloud Storage or S3, and reads
// objects from there. A [Target] is a bucket and a folder in it: [Target.Check] finds out before a run whether the
// bucket can be reached, [Target.Upload] stores a report, [Open] reads an object by its URL.
//
// Credentials come from where the programs of the two providers take them: the environment, their configuration files
// or the machine. No error of this package holds a credential; it quotes no more of a server's answer than the code.
package storage

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// Provider is the operator of a bucket, named by the scheme of its URLs.
type Provider string

// The providers are Google and every server that speaks the API of S3.
const (
	GCS Provider = "gs" // Google Cloud Storage
	S3  Provider = "s3" // S3, or a server that speaks its API
)

// Target is a bucket and the folder of a report in it. Its methods may be called concurrently.
type Target struct {
	Provider Provider
	Bucket   string
	Path     string // folder in the bucket; empty means the top
	Prefix   string // put before the name of each file

	// The following fields concern S3 alone. Empty ones are replaced by the settings of the environment, or else by
	// AWS's own endpoint and us-east-1.
	Endpoint string // URL of a server that is not AWS
	Region   string
	// Addressing is the part of a URL that names the bucket. Empty and auto mean the path at another endpoint, else the
	// host name.
	Addressing config.Addressing

	patience time.Duration // how long a server may stay silent; 0 means 30 s
}

// FromConfig returns the buckets that a configuration names, in the order of its keys. Local storage is not among them.
// c may be nil.
func FromConfig(c *config.Storage) ([]Target, error) {
	var targets []Target
	if c == nil {
		return nil, nil
	}
	if g := c.GCS; g != nil {
		if err := checkBucket(g.Bucket); err != nil {
			return nil, fmt.Errorf("storage.google_cloud_storage.bucket_name: %w", err)
		}
		targets = append(targets, Target{Provider: GCS, Bucket: g.Bucket, Path: g.Path, Prefix: g.Prefix})
	}
	if s := c.S3; s != nil {
		if err := checkBucket(s.Bucket); err != nil {
			return nil, fmt.Errorf("storage.simple_storage_service.bucket_name: %w", err)
		}
		targets = append(targets, Target{
			Provider: S3, Bucket: s.Bucket, Path: s.Path, Prefix: s.Prefix,
			Endpoint: s.Endpoint, Region: s.Region, Addressing: s.Addressing,
		})
	}
	return targets, nil
}

// checkBucket refuses names with characters that would end up in another part of a URL. The provider checks the finer
// rules.
func checkBucket(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("must not be empty")
	case strings.Contains(name, "://"):
		return fmt.Errorf("%q is a URL; give the bucket's name alone", name)
	case strings.ContainsAny(name, "/\\?#%"):
		return fmt.Errorf("%q is not the name of a bucket; a folder in it goes into path", name)
	}
	return nil
}

// String returns the URL of the folder and the prefix: s3://bucket/path/prefix.
func (t Target) String() string { return t.url(t.object("")) }

func (t Target) url(object string) string {
	return string(t.Provider) + "://" + t.Bucket + "/" + object
}

// object returns the name of the object for a file of the report: path/prefixfile, as inference-perf names it. As
// there, names in S3 have no leading slashes; names at Google lack only the slash after an empty path, which would make
// a folder without a name.
func (t Target) object(file string) string {
	name := t.Prefix + filepath.ToSlash(file)
	if t.Path != "" {
		name = t.Path + "/" + name
	}
	if t.Provider == S3 {
		name = strings.TrimLeft(name, "/")
	}
	return name
}

// Check finds out within 30 seconds whether the bucket can be reached, exists, and accepts the credentials. It lists
// one object, so the permission to write shows only in Upload. The error is one line that names the bucket and the
// remedy.
func (t Target) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.wait(), errSilent)
	defer cancel()
	return t.session().check(ctx)
}

// Open reads the object of a URL, gs://bucket/name or s3://bucket/name, at the endpoint and region of the environment.
// The caller must close the reader; ctx governs reading until then. Errors of reading, too, name the remedy, and a
// server that stays silent for 30 seconds is an error.
func Open(ctx context.Context, url string) (io.ReadCloser, error) {
	t, object, err := parse(url)
	if err != nil {
		return nil, err
	}
	return t.Open(ctx, object)
}

// IsURL reports whether a path is a URL for [Open].
func IsURL(path string) bool {
	return strings.HasPrefix(path, string(GCS)+"://") || strings.HasPrefix(path, string(S3)+"://")
}

// parse splits the URL of an object. It is not parsed like other URLs: a name may hold ? and #, and nothing in it is
// escaped.
func parse(url string) (t Target, object string, err error) {
	if !IsURL(url) {
		return t, "", fmt.Errorf("%q is no object's URL, want gs://bucket/name or s3://bucket/name", url)
	}
	scheme, rest, _ := strings.Cut(url, "://")
	bucket, object, _ := strings.Cut(rest, "/")
	if err := checkBucket(bucket); err != nil {
		return t, "", fmt.Errorf("%q: bucket: %w", url, err)
	}
	if object == "" {
		return t, "", fmt.Errorf("%q names no object, want %s://%s/name", url, scheme, bucket)
	}
	return Target{Provider: Provider(scheme), Bucket: bucket}, object, nil
}

// Open reads an object of the bucket by its full name, as the function Open does, at the target's own endpoint.
func (t Target) Open(ctx context.Context, object string) (io.ReadCloser, error) {
	return t.session().get(ctx, object)
}
