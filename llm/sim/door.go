package sim

import (
	"net"
	"sync"
)

// door is a listener that can reset its connections, as the machine of a process does that is not there. It keeps its
// address meanwhile, so that no other process takes it.
type door struct {
	net.Listener

	mu    sync.Mutex
	shut  bool
	conns map[net.Conn]bool // that are open
}

// Accept returns the next connection that comes while the door is open.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		shut := d.shut
		if !shut {
			d.conns[conn] = true
		}
		d.mu.Unlock()
		if !shut {
			return &guest{conn, d}, nil
		}
		reset(conn)
	}
}

// set shuts the door, which resets all connections, or opens it.
func (d *door) set(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
	if !shut {
		return
	}
	for conn := range d.conns {
		reset(conn)
	}
	clear(d.conns)
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // sends RST
	}
	_ = conn.Close()
}

// guest is a connection that the door knows.
type guest struct {
	net.Conn
	door *door
}

// Close closes the connection.
func (g *guest) Close() error {
	g.door.mu.Lock()
	delete(g.door.conns, g.Conn)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
