package command

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// screen shows what an experiment does: lines that stay, and how far a test is. It may be used concurrently.
type screen struct {
	cmd      *cobra.Command
	terminal bool // a line can be replaced

	mu      sync.Mutex
	showing bool // a line that the next one replaces
	last    time.Time
}

// line shows a line that stays.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.cmd.PrintErrln(plain.Terminal(text))
	s.last = time.Now()
}

// clear removes a line that does not stay.
func (s *screen) clear() {
	if s.showing {
		s.cmd.PrintErr("\r" + strings.Repeat(" ", shownWidth) + "\r")
		s.showing = false
	}
}

const (
	shownWidth = 79
	showEvery  = 15 * time.Second // where no line can be replaced
)

// progress shows how far a test is: in place on a terminal, and now and then elsewhere.
func (s *screen) progress(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text = plain.Clip(plain.Terminal(text), shownWidth)
	switch {
	case s.terminal:
		s.clear()
		s.cmd.PrintErr(text)
		s.showing = true
	case time.Since(s.last) >= showEvery:
		s.cmd.PrintErrln(text)
		s.last = time.Now()
	}
}

// done ends the progress of a test.
func (s *screen) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// statusMark begins the lines of a test's progress.
const statusMark = "llm  "

// progress writes the output of a test to its log, and shows the lines of progress in it.
type progress struct {
	log    io.Writer
	screen *screen
	rest   []byte // of a line that has not ended
}

// maxLine bounds what is kept of a line that does not end.
const maxLine = 4 << 10

// Write takes output of a test.
func (p *progress) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	for {
		line, rest, ended := bytes.Cut(p.rest, []byte("\n"))
		if !ended {
			break
		}
		if text := string(line); strings.HasPrefix(text, statusMark) {
			p.screen.progress(strings.TrimPrefix(text, statusMark))
		}
		p.rest = rest
	}
	if len(p.rest) > maxLine {
		p.rest = nil
	}
	return p.log.Write(data)
}
