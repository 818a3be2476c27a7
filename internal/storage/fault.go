package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/network"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// fault is an error that says what went wrong and what to do about it.
type fault struct {
	what, fix string
	cause     error // for errors.Is and errors.As; it is not shown
}

func (f *fault) Error() string {
	if f.fix == "" {
		return f.what
	}
	return f.what + "; " + f.fix
}

func (f *fault) Unwrap() error { return f.cause }

// answer is a refusal by the server.
type answer struct {
	status  int
	code    string // from the provider's list of codes; empty if the server sent none
	region  string // the region of the bucket, if the request went to another
	missing string // "object" or "bucket", if one is known to be missing
}

func (a *answer) Error() string {
	text := strings.TrimSpace(strconv.Itoa(a.status) + " " + http.StatusText(a.status))
	if code := codeOnly(a.code); code != "" && code != strings.ReplaceAll(http.StatusText(a.status), " ", "") {
		text += ", " + code
	}
	return text
}

// inOtherRegion reports whether the bucket is in another region than the server that was asked.
func (a *answer) inOtherRegion() bool {
	return a.status == http.StatusMovedPermanently || a.code == "AuthorizationHeaderMalformed"
}

// codeOnly returns a code if it is one, and "" otherwise: other words of a server could repeat a credential or break
// the line.
func codeOnly(code string) string {
	for _, r := range code {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-' {
			return ""
		}
	}
	if len(code) > 64 || credentials().Text(code) != code {
		return ""
	}
	return code
}

// advice holds what a user can do about a fault, for one provider.
type advice struct{ name, login, access, reach string }

var advices = map[Provider]advice{
	GCS: {
		name:   "google cloud storage",
		login:  "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file",
		access: "check the account, and that it has the role Storage Object User on the bucket",
		reach:  "check the network, or STORAGE_EMULATOR_HOST if it is set",
	},
	S3: {
		name: "s3",
		login: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or run aws " +
			"configure",
		access: "check the credentials, and that they may list, read and write the bucket",
		reach:  "check endpoint_url or AWS_ENDPOINT_URL, the region, and the network",
	},
}

// noLogin returns the fault of missing or refused credentials.
func noLogin(p Provider, what string) *fault { return &fault{what: what, fix: advices[p].login} }

// explain turns an error into one line: the bucket, the operation, what went wrong, and what to do.
func (s *session) explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	subject := fmt.Sprintf("%s bucket %q", advices[s.target.Provider].name, s.target.Bucket)
	if at := s.at(); at != "" {
		subject += " at " + at
	}
	if what != "" {
		subject += ": " + what
	}
	f := s.diagnose(ctx, err)
	return &fault{what: subject + ": " + f.what, fix: f.fix, cause: f.cause}
}

// at returns the scheme and the host of the endpoint, without the rest of its URL, which may hold a credential.
func (s *session) at() string {
	endpoint := s.target.Endpoint
	if s.bucket != nil {
		endpoint = s.bucket.endpoint()
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (s *session) diagnose(ctx context.Context, err error) *fault {
	help := advices[s.target.Provider]
	var f *fault
	var a *answer
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return &fault{what: fmt.Sprintf("no answer within %v", s.traffic.patience), fix: help.reach}
	case ctx.Err() != nil:
		return &fault{what: "interrupted", cause: ctx.Err()}
	case errors.As(err, &f):
		return f
	case errors.As(err, &a):
		return a.fault(help)
	}
	return &fault{what: describe(err), fix: help.reach}
}

// foreignServer returns the fault of a server that answers, but not in the API of the provider. Such a server could
// seem to have every object.
func foreignServer(p Provider) *fault {
	return &fault{what: "the server does not speak the API of " + advices[p].name, fix: advices[p].reach}
}

// clocks lists the codes of a wrong time of day, logins the codes of wrong credentials. Servers differ in the status
// that they send with a code.
var (
	clocks = []string{"RequestTimeTooSkewed", "RequestExpired"}
	logins = []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AccessDenied"}
)

func (a *answer) fault(help advice) *fault {
	switch {
	case slices.Contains(clocks, a.code):
		return &fault{what: fmt.Sprintf("access refused (%v)", a), fix: "set this machine's clock"}
	case slices.Contains(logins, a.code) || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return &fault{what: fmt.Sprintf("access refused (%v)", a), fix: help.access}
	case a.missing == "object":
		return &fault{what: "no such object"}
	case a.missing == "bucket":
		return &fault{what: "no such bucket", fix: "create it, or correct bucket_name"}
	case a.inOtherRegion():
		return &fault{what: fmt.Sprintf("the bucket is in another region (%v)", a),
			fix: "set region_name to that of the bucket"}
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return &fault{what: fmt.Sprintf("the server keeps answering %v", a), fix: "try again later"}
	}
	return &fault{what: fmt.Sprintf("the server answered %v", a), fix: help.reach}
}

// describe returns the cause of an error of the network, without the URL that was asked for and without a quotation of
// what the server sent: both can hold a credential.
func describe(err error) string {
	words, connecting := network.Describe(err)
	if connecting {
		return "cannot connect: " + words
	}
	words, _, _ = strings.Cut(words, `"`)
	return plain.Excerpt(credentials().Text(words))
}

// credentials returns a mask of the credentials in the environment: a proxy, or a server that issues credentials, may
// repeat them.
func credentials() *secret.Mask {
	var s secret.Set
	for _, name := range [...]string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN"} {
		s.Add(os.Getenv(name))
	}
	s.Proxies()
	return s.Mask()
}

func quote(name string) string { return strconv.Quote(name) }
