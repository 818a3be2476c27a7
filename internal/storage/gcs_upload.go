package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/network"
)

// create creates an object. The server refuses to replace one, because the request demands that no generation of the
// object exists.
func (b *gcsBucket) create(ctx context.Context, object, contentType string, content io.ReaderAt, size int64) error {
	query := url.Values{"name": {object}, "ifGenerationMatch": {"0"}, "uploadType": {"media"}}
	start := request{method: http.MethodPost, header: http.Header{"Content-Type": {contentType}}, content: content,
		size: size}
	if size > b.inOne {
		query.Set("uploadType", "resumable")
		about := fmt.Sprintf(`{"contentType": %q}`, contentType)
		start.content, start.size = strings.NewReader(about), int64(len(about))
		start.header = http.Header{"Content-Type": {"application/json"},
			"X-Upload-Content-Length": {strconv.FormatInt(size, 10)}}
	}
	start.url = b.url(uploads, "", query)
	header, err := b.finish(b.send(ctx, start))
	if err == nil && size > b.inOne {
		err = b.sendParts(ctx, header.Get("Location"), content, size)
	}
	var a *answer
	if errors.As(err, &a) && a.status == http.StatusPreconditionFailed {
		return errExists
	}
	return err
}

// sendParts sends content in parts to the URL of a resumable upload.
func (b *gcsBucket) sendParts(ctx context.Context, location string, content io.ReaderAt, size int64) error {
	if location == "" {
		return &fault{what: "the server named no URL for the upload", fix: advices[GCS].reach}
	}
	for sent := int64(0); sent < size; {
		part := request{method: http.MethodPut, url: location, content: content, offset: sent,
			size: min(b.part, size-sent)}
		part.header = http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", sent, sent+part.size-1, size)}}
		next, err := b.sendPart(ctx, part, size)
		if err != nil {
			return err
		}
		if next <= sent {
			return &fault{what: "the server does not take the parts of an upload", fix: "try again later"}
		}
		sent = next
	}
	return nil
}

// sendPart sends a part and returns how many bytes of the upload the server has then. After a failure it asks the
// server: the part may have arrived and only the answer have been lost.
func (b *gcsBucket) sendPart(ctx context.Context, part request, size int64) (has int64, err error) {
	for attempt := 1; ; attempt++ {
		response, err := b.sendOnce(ctx, part)
		if err == nil {
			return b.received(response, size)
		}
		if attempt == network.Attempts || !temporary(err) {
			return 0, err
		}
		if err := network.Pause(ctx, b.pause, attempt); err != nil {
			return 0, err
		}
		state := request{method: http.MethodPut, url: part.url,
			header: http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", size)}}}
		if response, err := b.sendOnce(ctx, state); err == nil {
			if has, err := b.received(response, size); err != nil || has > part.offset {
				return has, err
			}
		}
	}
}

// received returns how many bytes of the upload the server has, by its answer: all of them, or, after 308, the bytes of
// a range that begins at 0.
func (b *gcsBucket) received(response *http.Response, size int64) (int64, error) {
	header, err := b.finish(response, nil)
	if err != nil || response.StatusCode != http.StatusPermanentRedirect {
		return size, err
	}
	_, last, found := strings.Cut(header.Get("Range"), "-")
	if !found {
		return 0, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 0 || n >= size {
		return 0, &fault{what: "the server does not say how much of an upload it has", fix: "try again later"}
	}
	return n + 1, nil
}
