package record

import (
	"slices"
	"strings"
)

// ownFaults lists the failures of the machine that sends the requests. Each is recognised by the words of the operating
// system, of Python's and Go's resolvers, or of k6.
var ownFaults = []struct {
	cause, fix string
	signs      []string // in lower case
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

// OwnFault returns the cause of a failure that is the fault of the machine that sent the request and of which the
// server knows nothing; it returns "" for every other failure. The arguments are the values of Request.ErrorType and
// Request.Error; the types and words of other tools are recognised too. Only what prevents a connection counts: later
// the words may be the server's.
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

// OwnFaultFix returns what to do about a cause that OwnFault returned, "" for any other text.
func OwnFaultFix(cause string) string {
	for _, fault := range ownFaults {
		if fault.cause == cause {
			return fault.fix
		}
	}
	return ""
}
