package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// fetchTime bounds the fetching of a medium, and fetchSize its bytes.
const (
	fetchTime = 10 * time.Second
	fetchSize = 64 << 20
)

// fetcher fetches from this machine alone, so that a request cannot make the server ask others.
var fetcher = http.Client{Timeout: fetchTime, Transport: &http.Transport{
	DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error { return isOwn(address) }}
		return d.DialContext(ctx, network, address)
	},
	MaxIdleConnsPerHost: 64,
}}

// isOwn returns an error unless an address is one of this machine.
func isOwn(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if ip.IsLoopback() {
		return nil
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, each := range own {
		if prefix, err := netip.ParsePrefix(each.String()); err == nil && prefix.Addr().Unmap() == ip {
			return nil
		}
	}
	return fmt.Errorf("the simulator fetches from this machine alone, %v is another", ip)
}

// fetch returns what is at an address.
func fetch(url string) ([]byte, error) {
	resp, err := fetcher.Get(url)
	if err != nil {
		return nil, fmt.Errorf("fetching media: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, fetchSize))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching media from %s: %w", url, err)
	}
	return data, nil
}
