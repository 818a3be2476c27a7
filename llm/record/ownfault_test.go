package record

import "testing"

func TestOwnFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ errorType, message, want string }{
		{ErrorConnect, "dial tcp 127.0.0.1:8000: socket: too many open files", "too many open files"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: socket: too many open files in system", "too many open files"},
		{ErrorDNS, "lookup h on 127.0.0.53:53: dial udp 127.0.0.53:53: socket: too many open files",
			"too many open files"},
		{ErrorConnect, "proxyconnect tcp: dial tcp 127.0.0.1:3128: socket: too many open files", "too many open files"},
		{"ClientConnectorError", "Cannot connect to host 127.0.0.1:8000 ssl:default [Too many open files]",
			"too many open files"},
		{"ClientOSError", "[Errno 24] Too many open files", "too many open files"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: cannot assign requested address", "no local port was free"},
		{ErrorConnect, "dial tcp 10.0.0.1:0->127.0.0.1:8000: bind: address already in use", "no local port was free"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: can't assign requested address", "no local port was free"},
		{ErrorConnect,
			"dial tcp 127.0.0.1:8000: connectex: Only one usage of each socket address (protocol/network " +
				"address/port) is normally permitted.", "no local port was free"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: no buffer space available", "no memory for a connection"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: socket: cannot allocate memory", "no memory for a connection"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: resource temporarily unavailable",
			"no memory for a connection"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: operation not permitted",
			"a rule of this machine forbids the connection"},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: permission denied",
			"a rule of this machine forbids the connection"},
		{ErrorConnect, "dial tcp [2001:db8::1]:8000: connect: network is unreachable",
			"the network is down or unreachable"},
		{ErrorConnect, "IP (127.0.0.1) is in a blacklisted range (127.0.0.0/8)", "k6 is told not to connect there"},
		{ErrorConnect, "hostname (h.test) is in a blocked pattern (*.test)", "k6 is told not to connect there"},
		{ErrorConnect, "proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused",
			"the proxy of this machine cannot be reached"},
		{ErrorDNS, "proxyconnect tcp: dial tcp: lookup proxy: no such host",
			"the proxy of this machine cannot be reached"},
		{ErrorDNS, "lookup h: no such host", "a name was not resolved"},
		{ErrorDNS, "lookup h on 127.0.0.53:53: server misbehaving", "a name was not resolved"},
		{ErrorDNS, "lookup h: i/o timeout", "a name was not resolved"},
		{"ClientConnectorDNSError", "Cannot connect to host h:8000 ssl:default [Name or service not known]",
			"a name was not resolved"},
		{"ConnectError", "[Errno -3] Temporary failure in name resolution", "a name was not resolved"},

		{ErrorConnect, "dial tcp 127.0.0.1:8000: connect: connection refused", ""},
		{ErrorConnect, "dial tcp 127.0.0.1:8000: i/o timeout", ""},
		{ErrorConnect, "dial tcp 10.0.0.1:8000: connect: no route to host", ""},
		{ErrorReset, "read tcp 127.0.0.1:50000->127.0.0.1:8000: read: connection reset by peer", ""},
		{ErrorHTTP, "upstream: socket: too many open files", ""},
		{ErrorStream, "lookup worker-3: no such host", ""},
		{ErrorMalformed, `malformed HTTP response "too many open files"`, ""},
		{ErrorTLS, "x509: certificate is valid for permission denied, not h", ""},
		{ErrorTimeout, "no complete answer within the timeout of 5s", ""},
		{ErrorCanceled, "cut by the end of the test or of its gracefulStop", ""},
		{"", "", ""},
	} {
		got := OwnFault(tt.errorType, tt.message)
		if got != tt.want || OwnFaultFix(got) == "" != (got == "") {
			t.Errorf("%s: %s: got %q to be mended by %q, want %q", tt.errorType, tt.message, got, OwnFaultFix(got),
				tt.want)
		}
	}
}
