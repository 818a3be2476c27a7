// Package mediahost serves the media of prompts to a model server that is to fetch them, and keeps a log of what it
// fetched. It has only the files that it was given, under names that nobody can guess.
package mediahost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Options are the options of a host.
type Options struct {
	Listen string // address to listen on; "" is a free port of the loopback interface
	URL    string // at which the model server reaches Listen; "" is Listen itself
	Log    string // path of the log; "" writes none
}

// Check returns an error that names the fault of the options, by their names in scripts.
func (o Options) Check() error {
	if o.Listen != "" {
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil || port == "" {
			return fmt.Errorf("listen: must be an address with a port, such as '0.0.0.0:8088', got %q", o.Listen)
		}
		if ip := net.ParseIP(host); o.URL == "" && (host == "" || ip != nil && ip.IsUnspecified()) {
			return fmt.Errorf("url: is missing: %s is every address of this machine, so say at which the model server "+
				"reaches it, such as 'http://10.0.0.5:%s'", o.Listen, port)
		}
	}
	if o.URL == "" {
		return nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("url: must be an address such as 'http://10.0.0.5:8088', got %q", o.URL)
	}
	return nil
}

// File is a file to serve.
type File struct {
	Name string // the last part of its path; nobody can guess it
	Type string // the media type
	Kind string // of media, for the log
	Once bool   // one request names it, so that it may be forgotten after maxOnce others
	Open func() ([]byte, error)

	fetched bool
}

// maxOnce bounds the files of one request each: a run of days must not fill the memory with their names. At 1000 of
// them a second the server has over two minutes to fetch one.
const maxOnce = 1 << 17

// Host serves files. It begins to listen when it gets its first file. It may be used concurrently.
type Host struct {
	options Options

	mu                 sync.Mutex
	base               string // the address before a file's name; "" before the first file
	prefix             string // the path of base
	files              map[string]File
	once               []string // names of the files of one request each; at maxOnce, the oldest is at number next
	next               int
	fetches, different int64
	server             *http.Server
	log                *os.File
	err                error
}

// New returns a host with options that pass Check.
func New(o Options) *Host { return &Host{options: o, files: map[string]File{}} }

// Add makes a file available, and returns its address.
func (h *Host) Add(f File) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.base == "" && h.err == nil {
		h.err = h.start()
	}
	if h.err != nil {
		return "", h.err
	}
	if _, known := h.files[f.Name]; !known && f.Once {
		h.rotate(f.Name)
	}
	f.fetched = h.files[f.Name].fetched
	h.files[f.Name] = f
	return h.base + f.Name, nil
}

// rotate notes a new file of one request, in place of the oldest of them if there are many.
func (h *Host) rotate(name string) {
	if len(h.once) < maxOnce {
		h.once = append(h.once, name)
		return
	}
	delete(h.files, h.once[h.next])
	h.once[h.next] = name
	h.next = (h.next + 1) % maxOnce
}

// ErrUnserved is that a host cannot serve, so that no request can be sent.
var ErrUnserved = errors.New("serving media")

// start begins to listen.
func (h *Host) start() error {
	listen := h.options.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnserved, err)
	}
	if h.options.Log != "" {
		h.log, err = os.OpenFile(h.options.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return errors.Join(fmt.Errorf("%w: log of fetches: %w", ErrUnserved, err), l.Close())
		}
	}
	base := h.options.URL
	if base == "" {
		base = "http://" + l.Addr().String()
	}
	h.base = strings.TrimSuffix(base, "/") + "/"
	if u, err := url.Parse(h.base); err == nil {
		h.prefix = u.Path
	}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() { _ = h.server.Serve(l) }() // ends with the process
	return nil
}

// Close ends the host.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.server == nil {
		return nil
	}
	err := h.server.Close()
	if h.log != nil {
		err = errors.Join(err, h.log.Close())
	}
	return err
}

// ServeHTTP answers with a file, or a part of it.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin, answer := time.Now(), &counted{ResponseWriter: w, status: http.StatusOK}
	f := h.find(r.URL.Path)
	h.serve(answer, r, f)
	if r.Method == http.MethodGet && answer.status < http.StatusBadRequest {
		h.count(f.Name)
	}
	h.write(fetch{
		Time: begin.UnixNano(), Method: r.Method, Path: r.URL.Path, Kind: f.Kind, Status: answer.status,
		Bytes: answer.bytes, Duration: time.Since(begin).Microseconds(), Remote: r.RemoteAddr,
	})
}

// count counts a fetch of a file.
func (h *Host) count(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fetches++
	if f, known := h.files[name]; known && !f.fetched {
		h.different++
		f.fetched = true
		h.files[name] = f
	}
}

// Counts returns how often files were fetched, in whole or in part, and of how many different files that was.
func (h *Host) Counts() (fetches, different int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fetches, h.different
}

// find returns the file of a path, or one without a name. A proxy may have taken away the path of Options.URL.
func (h *Host) find(path string) File {
	h.mu.Lock()
	defer h.mu.Unlock()
	name, ok := strings.CutPrefix(path, h.prefix)
	if !ok {
		name = strings.TrimPrefix(path, "/")
	}
	return h.files[name]
}

func (h *Host) serve(w http.ResponseWriter, r *http.Request, f File) {
	switch {
	case f.Name == "":
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	data, err := f.Open()
	if err != nil {
		http.Error(w, "the file cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", f.Type)
	w.Header().Set("ETag", `"`+f.Name+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// fetch is a line of the log.
type fetch struct {
	Time     int64  `json:"time_ns"` // Unix time at which the request had come
	Method   string `json:"method"`
	Path     string `json:"path"`
	Kind     string `json:"kind,omitempty"` // of the media; "" if there is no such file
	Status   int    `json:"status"`
	Bytes    int64  `json:"bytes"` // of the file that were sent
	Duration int64  `json:"duration_us"`
	Remote   string `json:"remote"`
}

// write adds a line to the log.
func (h *Host) write(f fetch) {
	line, err := json.Marshal(f)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.log != nil {
		_, _ = h.log.Write(append(line, '\n')) // a full disk must not end the load
	}
}

// counted counts the bytes of an answer.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}
