package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Bucket is a bucket of S3 or of a server that speaks its API.
type s3Bucket struct {
	target Target
	config aws.Config
	client *s3.Client

	inOne int64 // content of at most this many bytes is sent in one request
	part  int64 // larger content is sent in parts of this size, or in larger parts if there were too many
}

// openS3 opens a bucket with the credentials that all of AWS's programs find.
func openS3(ctx context.Context, t Target, traffic *traffic) (bucket, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(traffic.watch)),
		awsconfig.WithLogger(logging.Nop{}),
	}
	if t.Region != "" {
		options = append(options, awsconfig.WithRegion(t.Region))
	}
	c, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		var missing awsconfig.SharedConfigProfileNotExistError
		if errors.As(err, &missing) {
			return nil, &fault{what: fmt.Sprintf("no profile %q in the AWS configuration", missing.Profile),
				fix: "correct AWS_PROFILE"}
		}
		return nil, noLogin(S3, "the AWS configuration cannot be read")
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, credentialsFault(err)
	}
	b := &s3Bucket{target: t, config: c, inOne: 8 << 20, part: 16 << 20}
	b.connect()
	return b, nil
}

// credentialsFault distinguishes missing credentials from credentials that a service refused to issue. AWS's library
// asks the machine's own service last, and on a machine outside AWS that error says only that there is no such service.
func credentialsFault(err error) *fault {
	var operation *smithy.OperationError
	var refusal smithy.APIError
	switch {
	case strings.Contains(err.Error(), "IMDS") || errors.As(err, &operation) && operation.ServiceID == "ec2imds":
		return noLogin(S3, "no credentials found")
	case errors.As(err, &refusal):
		return noLogin(S3, strings.TrimSuffix("the credentials cannot be had ("+codeOnly(refusal.ErrorCode())+")",
			" ()"))
	}
	return noLogin(S3, "the credentials cannot be had")
}

// connect makes the client. Unless a style is asked for, the URLs of another endpoint have the bucket in the path, as
// in boto3, because such a server seldom has a host name for each bucket. Such servers may not know the checksums
// either that AWS's library adds by itself.
func (b *s3Bucket) connect() {
	b.client = s3.NewFromConfig(b.config, func(o *s3.Options) {
		if b.target.Endpoint != "" {
			o.BaseEndpoint = aws.String(b.target.Endpoint)
		}
		custom := o.BaseEndpoint != nil
		o.UsePathStyle = b.target.Addressing == "path" || custom && b.target.Addressing != "virtual"
		if custom {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
}

func (b *s3Bucket) endpoint() string { return aws.ToString(b.client.Options().BaseEndpoint) }

// check lists at most one object: unlike other questions about a bucket, the refusal of a list gives a reason.
func (b *s3Bucket) check(ctx context.Context) error {
	return b.followRegion(func() error {
		out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.target.Bucket, MaxKeys: aws.Int32(1)})
		if err == nil && out.Name == nil {
			err = foreignServer(S3)
		}
		return err
	})
}

// followRegion runs an operation and, if the bucket is in another region, once more in that region, as boto3 does.
func (b *s3Bucket) followRegion(operation func() error) error {
	err := answerOf(operation())
	var a *answer
	if !errors.As(err, &a) || !a.inOtherRegion() || codeOnly(a.region) == "" || a.region == b.config.Region {
		return err
	}
	b.config.Region = a.region
	b.connect()
	return answerOf(operation())
}

func (b *s3Bucket) exists(ctx context.Context, object string) (bool, error) {
	_, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.target.Bucket, Key: &object})
	err = answerOf(err)
	var a *answer
	if errors.As(err, &a) && (a.status == http.StatusNotFound || a.status == http.StatusForbidden) {
		return false, nil // a client that may only write gets 403 here; whether it may write shows in create
	}
	return err == nil, err
}

func (b *s3Bucket) get(ctx context.Context, object string) (body io.ReadCloser, err error) {
	err = b.followRegion(func() error {
		out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.target.Bucket, Key: &object})
		if err == nil {
			body = out.Body
		}
		return err
	})
	return body, err
}

func (b *s3Bucket) page(ctx context.Context, prefix, from string) (names []string, next string, err error) {
	err = b.followRegion(func() error {
		in := &s3.ListObjectsV2Input{Bucket: &b.target.Bucket, Prefix: &prefix}
		if from != "" {
			in.ContinuationToken = &from
		}
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		if out.Name == nil {
			return foreignServer(S3)
		}
		for _, object := range out.Contents {
			names = append(names, aws.ToString(object.Key))
		}
		if aws.ToBool(out.IsTruncated) {
			next = aws.ToString(out.NextContinuationToken)
		}
		return nil
	})
	return names, next, err
}

// answerOf returns the server's answer that an error of the library holds, or the error itself if it holds none. A
// success that the library cannot read means that the server is no S3 server.
func answerOf(err error) error {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() == 0 { // the server did not answer
		return err
	}
	if response.HTTPStatusCode() < 300 {
		return foreignServer(S3)
	}
	a := &answer{status: response.HTTPStatusCode(), region: response.Response.Header.Get("X-Amz-Bucket-Region")}
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code = api.ErrorCode()
	}
	switch a.code {
	case "NoSuchKey":
		a.missing = "object"
	case "NoSuchBucket":
		a.missing = "bucket"
	}
	return a
}
