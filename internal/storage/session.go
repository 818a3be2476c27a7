package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// patience is how long a server may move no byte.
const patience = 30 * time.Second

// errExists is an object that is there already.
var errExists = errors.New("the object exists")

// bucket is what the two providers have in common. Objects are created, never replaced. Errors are a *fault, an
// *answer, errExists or of the network.
type bucket interface {
	check(ctx context.Context) error
	exists(ctx context.Context, object string) (bool, error)
	create(ctx context.Context, object, contentType string, content io.ReaderAt, size int64) error
	get(ctx context.Context, object string) (io.ReadCloser, error)
	// some of those that begin so; next is empty at the end
	page(ctx context.Context, prefix, from string) (names []string, next string, err error)
	// empty for the provider's own
	endpoint() string
}

// session is the use of a bucket for one purpose. It opens the bucket when it is first needed, guards every wait and
// explains every error.
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

// do runs one operation under guard. What names it in an error.
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

// ready opens the bucket. A session outlives the operation that does, so what the bucket keeps must not end with ctx.
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

// store creates the object of a file, and says false if there is one already.
func (s *session) store(ctx context.Context, object string, content io.ReaderAt, size int64) (created bool, err error) {
	err = s.do(ctx, "storing "+quote(object), func(ctx context.Context) error {
		// Some servers ignore the condition on creation, and it comes after a large file has been sent.
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

// get opens an object. The guard goes on until the reader is closed, and waits only while somebody reads.
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

// reader is an object's content.
type reader struct {
	session *session
	what    string
	body    io.ReadCloser
	ctx     context.Context // the request's, which lasts as long as its body
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
