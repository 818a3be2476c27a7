// Package host reads what the machine leaves to a load generator (open files, ports, memory, processors), measures what
// kept the process from running (steal, quotas, pressure, late wake-ups), and keeps the garbage collector out of the
// way.
//
// All figures are best on Linux. The zero value of a figure means that the system does not report it.
package host

import (
	"fmt"
	"strconv"
	"strings"
)

// otherFiles is how many files a process has open beside its connections to the server: k6's own, outputs, name
// servers.
const otherFiles = 100

// Limits holds the machine's limits on connections; 0 means not known.
type Limits struct {
	Files int64 // the process may have open
	Ports int64 // for connections to one address and port
}

// Warnings returns a line for each limit that a number of connections at once exceeds, with the setting that raises it.
func (l Limits) Warnings(connections int64) (list []string) {
	if need := connections + otherFiles; l.Files > 0 && need > l.Files {
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

// portRange returns the number of ports in a range as Linux writes it: "32768	60999".
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
