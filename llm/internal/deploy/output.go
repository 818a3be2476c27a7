package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// output is the file to which a deployment's output is appended. Servers write to it directly, so that they go on if
// this process ends, and none waits for it.
type output struct {
	path string // "" discards
	from int64  // where the output of this deployment begins
	mask *secret.Mask
}

// open opens the file to append to it.
func (o *output) open() (*os.File, error) {
	if o.path == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	if err := os.MkdirAll(filepath.Dir(o.path), 0o750); err != nil {
		return nil, err
	}
	return os.OpenFile(o.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// begin notes where the output begins, and writes a first line.
func (o *output) begin(line string) error {
	f, err := o.open()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "--- %s\n", o.mask.Text(line))
	if end, seekErr := f.Seek(0, io.SeekEnd); seekErr == nil && o.path != "" {
		o.from = end
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// add appends what a tool wrote. A full disk must not keep anything from being stopped.
func (o *output) add(text []byte) {
	f, err := o.open()
	if err != nil {
		return
	}
	_, _ = io.WriteString(f, o.mask.Text(string(text)))
	_ = f.Close()
}

// longestPiece bounds how much of a line is looked at for secrets at once.
const longestPiece = 1 << 20

// redact replaces secrets in the file, such as a key that a server repeats from its command. Nothing writes to it any
// more.
func (o *output) redact() error {
	if o.path == "" || o.mask == nil {
		return nil
	}
	found := false
	err := o.masked(io.Discard, &found)
	if err != nil || !found {
		return err
	}
	return outfile.Write(o.path, outfile.Options{Replace: true, Private: true}, func(w io.Writer) error {
		return o.masked(w, &found)
	})
}

// masked copies the file with its secrets replaced, and tells whether there were any.
func (o *output) masked(w io.Writer, found *bool) error {
	f, err := os.Open(o.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for from := bufio.NewReaderSize(f, longestPiece); ; {
		piece, err := from.ReadSlice('\n')
		text := o.mask.Text(string(piece))
		*found = *found || text != string(piece)
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// lines returns the last lines.
func (o *output) lines() []string {
	if o.path == "" {
		return nil
	}
	return lastLines(tail(o.path, o.from), o.mask)
}

// secrets returns a mask of what a server or a tool may repeat of what it was given: keys of requests, variables, and
// values of flags with the names of secrets.
func secrets(s *Spec) *secret.Mask {
	var set secret.Set
	set.Add(s.Requests.APIKey)
	set.URL(s.URL)
	for name, value := range s.Requests.Headers {
		if secret.Named(name) {
			set.Add(value)
		}
	}
	set.Fields(s.Requests.Body)
	for _, variable := range append(os.Environ(), s.Environment...) {
		if name, value, _ := strings.Cut(variable, "="); secret.InVariable(name, value) {
			set.Add(value)
		}
	}
	for _, command := range [][]string{s.Command, s.Stop.Command} {
		for i, argument := range command {
			name, value, joined := strings.Cut(argument, "=")
			if !strings.HasPrefix(name, "-") || !secret.Named(strings.TrimLeft(name, "-")) {
				continue
			}
			if !joined && i+1 < len(command) {
				value = command[i+1]
			}
			set.Add(value)
		}
	}
	set.Proxies()
	return set.Mask()
}
