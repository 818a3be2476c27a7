package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// patience is the longest time without a byte from or to a server.
const patience = 30 * time.Second

// errExists reports that the object to be created exists already.
var errExists = errors.New("the object exists")

// bucket is what a provider has to implement. Objects are created, never replaced. An error is a *fault, an *answer,
// errExists or an error of the network.
type bucket interface {
	check(ctx context.Context) error
	exists(ctx context.Context, object string) (bool, error)
	create(ctx context.Context, object, contentType string, content io.ReaderAt, size int64) error
	get(ctx context.Context, object string) (io.ReadCloser, error)
	// page lists some of the names that begin with prefix. from is "" or the next of the page before; next is empty
	// after the last page.
	page(ctx context.Context, prefix, from string) (names []string, next string, err error)
	// endpoint returns the URL of the server, or "" for the provider's own.
	endpoint() string
}

// session uses a bucket for one purpose. It opens the bucket when it is first needed, limits every wait for the server
// and explains every error.
type session struct {
	target  Target
	traffic *traffic
	bucket  bucket
	open    func(ctx context.Context, t Target, traffic *traffic) (bucket, error)
}

func (t Target) wait() time.Duration {
	if t.patience != 0 {
		return t.patience
	}
	return patience
}

func (t Target) session() *session {
	s := &session{target: t, traffic: newTraffic(t.wait()), open: openGCS}
	if t.Provider == S3 {
		s.open = openS3
	}
	return s
}

// do runs one operation, ends it if the server stays silent, and explains its error; what names the operation there.
func (s *session) do(ctx context.Context, what string, operation func(ctx context.Context) error) error {
	guarded, stop := s.traffic.guard(ctx)
	defer stop()
	defer s.traffic.wait()()
	err := s.ready(guarded)
	if err == nil {
		err = operation(guarded)
	}
	return s.explain(guarded, what, err)
}

// ready opens the bucket. The session outlives the operation that opens it, so the bucket must not keep ctx.
func (s *session) ready(ctx context.Context) error {
	if s.bucket != nil {
		return nil
	}
	b, err := s.open(ctx, s.target, s.traffic)
	if err != nil {
		return err
	}
	s.bucket = b
	return nil
}

func (s *session) check(ctx context.Context) error {
	return s.do(ctx, "", func(ctx context.Context) error { return s.bucket.check(ctx) })
}

// store creates the object of a file. It returns false and no error if the object exists already.
func (s *session) store(ctx context.Context, object string, content io.ReaderAt, size int64) (created bool, err error) {
	err = s.do(ctx, "storing "+quote(object), func(ctx context.Context) error {
		// The question comes first, because some servers ignore the condition on creation, and others apply it only
		// after a large file has been sent.
		if there, err := s.bucket.exists(ctx, object); err != nil || there {
			return err
		}
		if err := s.bucket.create(ctx, object, contentType(object), content, size); !errors.Is(err, errExists) {
			created = err == nil
			return err
		}
		return nil
	})
	return created, err
}

// get opens an object. The limit on the server's silence holds until the reader is closed, and counts only while a Read
// is waiting.
func (s *session) get(ctx context.Context, object string) (io.ReadCloser, error) {
	r := &reader{session: s, what: "reading " + quote(object)}
	r.ctx, r.stop = s.traffic.guard(ctx)
	done := s.traffic.wait()
	err := s.ready(r.ctx)
	if err == nil {
		r.body, err = s.bucket.get(r.ctx, object)
	}
	done()
	if err != nil {
		err = s.explain(r.ctx, r.what, err)
		r.stop()
		return nil, err
	}
	return r, nil
}

// reader reads the content of an object.
type reader struct {
	session *session
	what    string
	body    io.ReadCloser
	ctx     context.Context // the context of the request, which lasts as long as the body
	stop    func()
}

func (r *reader) Read(p []byte) (int, error) {
	defer r.session.traffic.wait()()
	n, err := r.body.Read(p)
	if err != nil && err != io.EOF {
		err = r.session.explain(r.ctx, r.what, err)
	}
	return n, err
}

func (r *reader) Close() error {
	err := r.body.Close()
	r.stop()
	return err
}
