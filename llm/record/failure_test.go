package record

import "testing"

func TestFailureClass(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		errorType string
		status    int
		want      string
	}{
		{ErrorHTTP, 503, "HTTP Error 503"},
		{ErrorTimeout, 0, "TimeoutError"},
		{ErrorStall, 200, "TimeoutError"},
		{ErrorConnect, 0, "ClientConnectorError"},
		{ErrorTLS, 0, "ClientConnectorError"},
		{ErrorDNS, 0, "ClientConnectorDNSError"},
		{ErrorReset, 0, "ClientOSError"},
		{ErrorTruncated, 200, "ClientPayloadError"},
		{ErrorCanceled, 0, "CancelledError"},
		{ErrorMalformed, 200, "malformed"},
		{ErrorStream, 200, "stream_error"},
	} {
		if got := FailureClass(tt.errorType, tt.status); got != tt.want {
			t.Errorf("%s of status %d: got %q, want %q", tt.errorType, tt.status, got, tt.want)
		}
	}
}
