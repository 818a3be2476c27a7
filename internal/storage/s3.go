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

	inOne int64 // up to here content is sent in one request
	part  int64 // and above in such parts, or larger ones if there were too many
}

// openS3 finds the credentials as all of AWS's programs do.
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

// credentialsFault tells no credentials at all from those that a service refused to hand out. The last place looked
// into is the machine, whose error says only that it is none of AWS's.
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

// connect makes the client. Without a style asked for, an endpoint has the bucket in the path, as in boto3: such a
// server is seldom reached by a host name for each bucket. Nor does each know the checksums that AWS's library adds by
// itself.
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

// check lists an object, if there is one: unlike other questions about a bucket, its refusal says why.
func (b *s3Bucket) check(ctx context.Context) error {
	return b.anywhere(func() error {
		out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.target.Bucket, MaxKeys: aws.Int32(1)})
		if err == nil && out.Name == nil {
			err = stranger(S3)
		}
		return err
	})
}

// anywhere follows a bucket to its region once, as boto3 does.
func (b *s3Bucket) anywhere(operation func() error) error {
	err := answerOf(operation())
	var a *answer
	if !errors.As(err, &a) || !a.elsewhere() || codeOnly(a.region) == "" || a.region == b.config.Region {
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
		return false, nil // 403 is what those who may only write are told; creating it shows what they may
	}
	return err == nil, err
}

func (b *s3Bucket) get(ctx context.Context, object string) (body io.ReadCloser, err error) {
	err = b.anywhere(func() error {
		out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.target.Bucket, Key: &object})
		if err == nil {
			body = out.Body
		}
		return err
	})
	return body, err
}

func (b *s3Bucket) page(ctx context.Context, prefix, from string) (names []string, next string, err error) {
	err = b.anywhere(func() error {
		in := &s3.ListObjectsV2Input{Bucket: &b.target.Bucket, Prefix: &prefix}
		if from != "" {
			in.ContinuationToken = &from
		}
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		if out.Name == nil {
			return stranger(S3)
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

// answerOf is the server's answer in an error of the library; an error that holds none stays. A success that the
// library cannot read is no answer of S3.
func answerOf(err error) error {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() == 0 { // that is no answer at all
		return err
	}
	if response.HTTPStatusCode() < 300 {
		return stranger(S3)
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
