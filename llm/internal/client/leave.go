package client

import (
	"errors"
	"time"
)

// errLeft is the cause of a cancellation by the user who asked. It closes the connection, or resets a stream of HTTP/2.
var errLeft = errors.New("the user left")

// Leave tells when the user of a request leaves, so that the request is given up and recorded as abandoned. What is
// zero does not make the user leave. An answer that is over before is not touched.
type Leave struct {
	Rule   string          // as records tell it
	After  time.Duration   // since the request was sent
	Queued time.Duration   // likewise, unless output has come by then
	Tokens int             // pieces of output that have come
	Sent   bool            // as soon as the request is written
	Signal <-chan struct{} // when it is closed
}
