package input

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// SettingsCheck refuses settings that no source of a script mentions, once for all VUs of a process. The zero value is
// ready. It may be used concurrently.
type SettingsCheck struct {
	once sync.Once
	err  error
}

// Check returns an error for the first name that no source mentions and that resembles one that is read. The first call
// also returns the other names that no source mentions: the k6 Operator hands the environment of its runners on by -e,
// so they may be meant for something else. script is the name of the script in the message, and from is k6's file
// system, which has the sources that it has loaded. A script that reads the environment under names that it computes
// may mean any name.
func (c *SettingsCheck) Check(names []string, script string, from fsext.Fs) (unread []string, err error) {
	c.once.Do(func() {
		if len(names) > 0 {
			unread, c.err = unknownSettings(names, script, sourcesOf(from))
		}
	})
	return unread, c.err
}

// source is the text of a script, or of a file that it imports.
type source struct{ name, text string }

// sourcesOf returns the sources among the files that k6 has loaded.
func sourcesOf(files fsext.Fs) (list []source) {
	if cached, ok := files.(fsext.CacheLayerGetter); ok {
		files = cached.GetCachingFs()
	}
	const root = "/" // also on Windows, where the paths below it begin with the drive
	_ = fsext.Walk(files, root, func(name string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() || !isSource(name) {
			return nil
		}
		if text, err := fsext.ReadFile(files, name); err == nil {
			list = append(list, source{name, string(text)})
		}
		return nil
	})
	return list
}

// isSource reports whether a file can be a script: those of data sets may hold any word.
func isSource(name string) bool {
	return slices.Contains([]string{"", ".js", ".mjs", ".cjs", ".ts", ".mts"}, path.Ext(name))
}

var (
	// readName matches a name that a source reads: by itself, or by a function of settings.js.
	readName = regexp.MustCompile(`\b__ENV(?:\.([A-Za-z_]\w*)|\[['"` + "`" + `]([^'"` + "`" + `]+))|['"]([A-Z][A-Z0-9_]+)['"]`)
	// wholeEnv matches the environment read under a name that is computed, or handed on.
	wholeEnv = regexp.MustCompile(`\b__ENV\s*(?:\[\s*[^'"` + "`" + `\s]|\[\s*` + "`" + `[^` + "`" + `]*\$|` +
		`\[\s*['"][^'"]*['"]\s*[^\]\s]|[^.\[\w\s])`)
)

// ofPrograms are the beginnings of names that k6, Go and the Hugging Face hub read.
var ofPrograms = []string{"K6_", "GO", "HF_"}

func isOfPrograms(name string) bool {
	return slices.ContainsFunc(ofPrograms, func(start string) bool { return strings.HasPrefix(name, start) })
}

func unknownSettings(names []string, script string, sources []source) (unread []string, err error) {
	var known []string
	for _, s := range sources {
		if wholeEnv.MatchString(s.text) && path.Base(s.name) != "settings.js" {
			return nil, nil
		}
		for _, m := range readName.FindAllStringSubmatch(s.text, -1) {
			known = append(known, m[1]+m[2]+m[3])
		}
	}
	for _, name := range names {
		if len(sources) == 0 || isOfPrograms(name) || mentioned(name, sources) {
			continue
		}
		if near, ok := spelling.Nearest(name, known); ok {
			return nil, fmt.Errorf("%s is no setting of %s: did you mean %s?", name, script, near)
		}
		unread = append(unread, name)
	}
	return unread, nil
}

// mentioned reports whether a source has the name as a whole word.
func mentioned(name string, sources []source) bool {
	word := regexp.MustCompile(`(?:^|\W)` + regexp.QuoteMeta(name) + `(?:\W|$)`)
	return slices.ContainsFunc(sources, func(s source) bool { return word.MatchString(s.text) })
}
