package record

import (
	"slices"
	"strings"
)

// ownFaults are the failures of the machine that sends the requests: each is known by the operating system's words,
// those of Python's and Go's resolvers, and k6's own.
var ownFaults = []struct {
	cause, fix string
	signs      []string // in small letters
}{
	{
		"too many open files", "raise the limit of open files before the run (ulimit -n)",
		[]string{"too many open files"},
	},
	{
		"no local port was free",
		"keep connections alive, widen net.ipv4.ip_local_port_range, or send from more machines",
		[]string{"cannot assign requested address", "can't assign requested address", "address already in use",
			"only one usage of each socket address"},
	},
	{
		"no memory for a connection",
		"give the machine more memory or larger socket buffers, or send from more machines",
		[]string{"no buffer space available", "cannot allocate memory", "resource temporarily unavailable",
			"lacked sufficient buffer space"},
	},
	{
		"a rule of this machine forbids the connection", "look at its firewall and its security policies",
		[]string{"operation not permitted", "permission denied"},
	},
	{
		"the network is down or unreachable", "look at this machine's network and its routes",
		[]string{"network is unreachable", "network is down"},
	},
	{
		"k6 is told not to connect there", "look at blacklistIPs and blockHostnames in the options of k6",
		[]string{"is in a blacklisted range", "is in a blocked pattern"},
	},
	{
		"the proxy of this machine cannot be reached", "look at HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
		[]string{"proxyconnect "},
	},
	{
		unresolved, "look at the host of baseURL (BASE_URL in our scripts) and at this machine's resolver",
		[]string{"no such host", "server misbehaving", "name or service not known", "name resolution",
			"nodename nor servname"},
	},
}

const unresolved = "a name was not resolved"

// OwnFault gives the cause of a failure that is the fault of the machine that sent the request, of which the server
// knows nothing; "" of every other failure. It takes the values of Request.ErrorType and Request.Error, and knows the
// types and words of other tools, too. Only what stands in the way of a connection counts: later the words may be the
// server's.
func OwnFault(errorType, message string) (cause string) {
	kind, words := strings.ToLower(errorType), strings.ToLower(message)
	isDNS := strings.Contains(kind, "dns")
	if !isDNS && !strings.Contains(kind, "connect") && kind != "oserror" && kind != "clientoserror" {
		return ""
	}
	for _, fault := range ownFaults {
		if slices.ContainsFunc(fault.signs, func(sign string) bool { return strings.Contains(words, sign) }) {
			return fault.cause
		}
	}
	if isDNS {
		return unresolved
	}
	return ""
}

// OwnFaultFix says what to do about a cause that OwnFault gave, "" of any other.
func OwnFaultFix(cause string) string {
	for _, fault := range ownFaults {
		if fault.cause == cause {
			return fault.fix
		}
	}
	return ""
}
