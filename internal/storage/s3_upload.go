package storage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// upload is the creation of one object.
type upload struct {
	object, contentType string
	content             io.ReaderAt
	size                int64
	// If-None-Match: * demands that the object does not exist; nil for a server without conditions
	condition *string
}

func (b *s3Bucket) create(ctx context.Context, object, contentType string, content io.ReaderAt, size int64) error {
	u := upload{object, contentType, content, size, aws.String("*")}
	err := b.send(ctx, u)
	var a *answer
	if !errors.As(err, &a) {
		return err
	}
	switch a.status {
	case http.StatusPreconditionFailed, http.StatusConflict:
		return errExists
	case http.StatusNotImplemented: // an older server, which does not know the condition
		u.condition = nil
		return b.send(ctx, u)
	}
	return err
}

func (b *s3Bucket) send(ctx context.Context, u upload) error {
	if u.size > b.inOne {
		return b.sendParts(ctx, u)
	}
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.target.Bucket, Key: &u.object, ContentType: &u.contentType, IfNoneMatch: u.condition,
		Body: io.NewSectionReader(u.content, 0, u.size),
	})
	return answerOf(err)
}

// maxParts is the number of parts that S3 accepts for one object.
const maxParts = 10_000

// sendParts sends one part after the other. AWS's library for this is not used, because it keeps several parts in
// memory and writes errors to the log.
func (b *s3Bucket) sendParts(ctx context.Context, u upload) error {
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.target.Bucket, Key: &u.object, ContentType: &u.contentType, ChecksumAlgorithm: b.checksum(),
	})
	if err != nil {
		return answerOf(err)
	}
	if err := b.sendInto(ctx, u, begun.UploadId); err != nil {
		b.abandon(ctx, u.object, begun.UploadId)
		return answerOf(err)
	}
	return nil
}

func (b *s3Bucket) sendInto(ctx context.Context, u upload, id *string) error {
	size := max(b.part, (u.size+maxParts-1)/maxParts)
	var parts []types.CompletedPart
	for offset := int64(0); offset < u.size; offset += size {
		number := aws.Int32(int32(len(parts) + 1))
		part, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &b.target.Bucket, Key: &u.object, UploadId: id, PartNumber: number, ChecksumAlgorithm: b.checksum(),
			Body: io.NewSectionReader(u.content, offset, min(size, u.size-offset)),
		})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{PartNumber: number, ETag: part.ETag,
			ChecksumCRC32: part.ChecksumCRC32})
	}
	_, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.target.Bucket, Key: &u.object, UploadId: id, IfNoneMatch: u.condition,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// checksum returns the checksum that the library adds to each part, which S3 wants announced. It returns "" for other
// servers than AWS's.
func (b *s3Bucket) checksum() types.ChecksumAlgorithm {
	if b.client.Options().RequestChecksumCalculation == aws.RequestChecksumCalculationWhenRequired {
		return ""
	}
	return types.ChecksumAlgorithmCrc32
}

// abandon deletes the parts of a failed upload, which would cost the bucket's owner money for ever. It takes up to 5
// seconds even after an interruption, and ignores errors.
func (b *s3Bucket) abandon(ctx context.Context, object string, id *string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.target.Bucket, Key: &object,
		UploadId: id})
}
