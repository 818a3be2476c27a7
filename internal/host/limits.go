// Package host says what the machine gives a load generator: how many connections a process may hold, and how much of
// the processors' time a host takes away.
package host

import (
	"fmt"
	"strconv"
	"strings"
)

// spare is how many files a process has open beside its connections to the server: k6's own, outputs, name servers.
const spare = 100

// Limits are the machine's; 0 is one that is not known.
type Limits struct {
	Files int64 // the process may have open
	Ports int64 // for connections to one address and port
}

// Warnings names the limits that so many connections at once exceed, a line each, with what to set.
func (l Limits) Warnings(connections int64) (list []string) {
	if need := connections + spare; l.Files > 0 && need > l.Files {
		list = append(list,
			fmt.Sprintf("%d requests at once take a connection each, and this process may open %d files only: "+
				"raise the limit to %d (ulimit -n %d; LimitNOFILE of a service; the container runtime's default "+
				"ulimits)",
				connections, l.Files, need, need))
	}
	if l.Ports > 0 && connections > l.Ports {
		list = append(list,
			fmt.Sprintf("%d requests at once take a connection each, and this machine has %d local ports for one "+
				"server: "+
				"widen net.ipv4.ip_local_port_range (as in sysctl -w net.ipv4.ip_local_port_range='1024 65535'), or "+
				"split the load over several instances",
				connections, l.Ports))
	}
	return list
}

// portRange counts the ports of a range as Linux shows it: "32768	60999".
func portRange(text string) int64 {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0
	}
	low, errLow := strconv.ParseInt(fields[0], 10, 64)
	high, errHigh := strconv.ParseInt(fields[1], 10, 64)
	if errLow != nil || errHigh != nil || low < 0 || high < low || high > 65535 {
		return 0
	}
	return high - low + 1
}
