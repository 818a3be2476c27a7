// Package storage puts the files of a finished report into object storage, Google Cloud Storage or S3, and reads
// objects from there. A [Target] is a bucket and a place in it: [Target.Check] finds out before a run whether a report
// can be stored there, [Target.Upload] stores it, [Open] reads an object by its URL.
//
// Credentials are those that the programs of the two providers use, from the environment, their configuration files or
// the machine. No error of this package holds a credential; of what a server answered it holds the code alone.
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

// Provider is who keeps a bucket, by the scheme of its URLs.
type Provider string

// The providers.
const (
	GCS Provider = "gs" // Google Cloud Storage
	S3  Provider = "s3" // S3, or a server that speaks its API
)

// Target is a bucket and the place of a report in it. Its methods may be called concurrently.
type Target struct {
	Provider Provider
	Bucket   string
	Path     string // folder in the bucket; empty for none
	Prefix   string // put before the name of each file

	// These are of S3 alone. Without them the environment's hold, and without those AWS's own endpoint and us-east-1.
	Endpoint string // URL of a server that is not AWS
	Region   string
	// Addressing says where a URL has the bucket. Empty and auto mean the path at an endpoint, else the host name.
	Addressing config.Addressing

	patience time.Duration // how long a server may stay silent, 0 for 30 s
}

// FromConfig gives the buckets a configuration names, in the order of its keys. Local storage is none of them; nil has
// none.
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

// checkBucket refuses what would end up in another part of a URL. The finer rules on names are the provider's.
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

// String is the URL of the place, as s3://bucket/path/prefix.
func (t Target) String() string { return t.url(t.object("")) }

func (t Target) url(object string) string {
	return string(t.Provider) + "://" + t.Bucket + "/" + object
}

// object is the name of the object for a file of the report: path/prefixfile, as inference-perf's. S3 has no leading
// slashes there either; of Google's names only the slash after an empty path is left out, which would make a folder
// without a name.
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

// Check finds out whether the bucket can be reached and exists and the credentials are good for it, within 30 seconds.
// It lists one object, so the right to write shows only in Upload. The error is one line that names the bucket and what
// to do.
func (t Target) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.wait(), errSilent)
	defer cancel()
	return t.session().check(ctx)
}

// Open reads the object of a URL, gs://bucket/name or s3://bucket/name; endpoint and region are those of the
// environment. The caller closes the reader, and ctx holds until then. An error of reading, too, says what to do, and a
// server that stays silent for 30 seconds is one.
func Open(ctx context.Context, url string) (io.ReadCloser, error) {
	t, object, err := parse(url)
	if err != nil {
		return nil, err
	}
	return t.Open(ctx, object)
}

// IsURL says whether a path is meant for [Open].
func IsURL(path string) bool {
	return strings.HasPrefix(path, string(GCS)+"://") || strings.HasPrefix(path, string(S3)+"://")
}

// parse takes a URL apart. It is no other URL: a name may hold ? and #, and nothing in it is escaped.
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

// Open reads an object of the bucket by its whole name, as the function Open does, at the target's own endpoint.
func (t Target) Open(ctx context.Context, object string) (io.ReadCloser, error) {
	return t.session().get(ctx, object)
}
