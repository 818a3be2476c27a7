package llm

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sirupsen/logrus"
)

// complaints is a hook of k6's log that shortens exceptions of this module. k6 prints an exception that no script
// catches with the whole stack, in which a message that names the mistake and the way out is hard to find. The hook
// leaves the message and where in the user's script it was thrown. What scripts catch is as ever.
type complaints struct{}

var _ logrus.Hook = complaints{}

// Levels returns those at which k6 logs exceptions.
func (complaints) Levels() []logrus.Level { return []logrus.Level{logrus.ErrorLevel} }

// Fire shortens the message of an entry.
func (complaints) Fire(entry *logrus.Entry) error {
	if entry.Data["hint"] == "script exception" {
		if text, ok := withoutStack(entry.Message); ok {
			entry.Message = text
		}
	}
	if !strings.Contains(entry.Message, "\n\tat ") {
		delete(entry.Data, "source") // says that the message is a stack
	}
	return nil
}

// frame matches a line of a stack with a position: of which file, and where in it.
var frame = regexp.MustCompile(`^\tat (?:.* \()?file://(/.*?):(\d+:\d+)\(\d+\)\)?$`)

// settingsFile is the file that the scripts of this project share. It checks the settings of the command line, so a
// position in a script says nothing.
const settingsFile = "settings.js"

// withoutStack returns the message of an exception that this module or its scripts' settings threw, and where. It
// returns false for any other exception.
func withoutStack(exception string) (text string, ok bool) {
	text, stack, _ := strings.Cut(exception, "\n\tat ")
	var places []string
	settings := false
	for line := range strings.SplitSeq("\tat "+stack, "\n") {
		if at := frame.FindStringSubmatch(line); at != nil {
			settings = settings || filepath.Base(at[1]) == settingsFile
			places = append(places, nearby(at[1])+":"+at[2])
		}
	}
	message, own := strings.CutPrefix(text, "GoError: ")
	own = own && thrown.has(message)
	if !own {
		message, own = strings.CutPrefix(text, "Error: ")
		own = own && len(places) > 0 && strings.HasPrefix(filepath.Base(places[0]), settingsFile+":")
	}
	switch {
	case !own:
		return "", false
	case settings || len(places) == 0:
		return message, true
	}
	return message + " (at " + places[0] + ")", true
}

// nearby returns a path relative to the working directory if it is below that.
func nearby(path string) string {
	if dir, err := os.Getwd(); err == nil {
		if below, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(below) {
			return below
		}
	}
	return path
}

// thrown holds the texts of errors that the module threw lately. An exception on its way to the log is only a text, by
// which nothing else tells this module's errors from those of others.
var thrown recent

// recent holds the newest of the texts added to it. It may be used concurrently.
type recent struct {
	mu    sync.Mutex
	texts [64]string
	next  int
}

func (r *recent) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts[r.next%len(r.texts)] = text
	r.next++
}

func (r *recent) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return text != "" && slices.Contains(r.texts[:], text)
}
