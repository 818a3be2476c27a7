package record

import "fmt"

// FailureClass is inference-perf's error_type of a failure: the name of the exception that it would have met, or the
// status. A type that it cannot meet keeps our name. It takes the values of Request.ErrorType and Request.Status.
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
