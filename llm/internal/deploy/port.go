package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"time"
)

// Ports that are tried first: below those that systems give to outgoing connections, because a server may listen long
// after its port was chosen, and a connection must not have taken the port by then.
const (
	firstPort = 20000
	portCount = 12000
	portTries = 64
)

// freePort chooses a port on which nothing listens.
func freePort() (int, error) {
	var failed error
	for i := range portTries {
		port := firstPort + rand.IntN(portCount)
		if i == portTries-1 {
			port = 0 // whichever the system has
		}
		found, err := listens(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_, err = listens(net.JoinHostPort("", strconv.Itoa(found))) // a server may listen on all addresses
		}
		if failed = err; err == nil {
			return found, nil
		}
	}
	return 0, fmt.Errorf("no free port: %w", failed)
}

// listens listens on an address for a moment, and returns its port.
func listens(address string) (int, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// dialLimit is the time for a connection to a port that may be taken.
const dialLimit = 2 * time.Second

// vacant returns an error if something listens at the URL already: a server that is started could not, and requests
// would go to the wrong one.
func vacant(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil // the client says what is wrong with it
	}
	port := cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")
	address := net.JoinHostPort(u.Hostname(), port)
	if _, err := listens(address); err == nil || !errors.Is(err, inUse) {
		connection, err := net.DialTimeout("tcp", address, dialLimit)
		if err != nil {
			return nil
		}
		_ = connection.Close()
	}
	number, _ := strconv.Atoi(port)
	return fmt.Errorf("port %s is taken: %s listens there: stop it, or write ${port} for a free port", port,
		cmp.Or(listener(number), "another program (see ss -ltnp or lsof -i :"+port+")"))
}
