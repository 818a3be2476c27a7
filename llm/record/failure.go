package record

import "fmt"

// FailureClass returns inference-perf's error_type of a failure: the name of the exception that inference-perf would
// have met, or the status. A type that it cannot meet keeps its name in the record. The arguments are the values of
// Request.ErrorType and Request.Status.
func FailureClass(errorType string, status int) string {
	switch errorType {
	case ErrorHTTP:
		return fmt.Sprintf("HTTP Error %d", status)
	case ErrorTimeout, ErrorStall:
		return "TimeoutError"
	case ErrorConnect, ErrorTLS:
		return "ClientConnectorError"
	case ErrorDNS:
		return "ClientConnectorDNSError"
	case ErrorReset:
		return "ClientOSError"
	case ErrorTruncated:
		return "ClientPayloadError"
	case ErrorCanceled:
		return "CancelledError"
	}
	return errorType
}
