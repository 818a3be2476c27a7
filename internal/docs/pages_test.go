package docs

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"go.k6.io/k6/v2/errext/exitcodes"
)

// codeSpans returns the words within backticks. A span of several words counts as each of them.
func codeSpans(text string) map[string]bool {
	words := map[string]bool{}
	for _, span := range regexp.MustCompile("`[^`\n]+`").FindAllString(text, -1) {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(span, -1) {
			words[word] = true
		}
	}
	return words
}

// fence is a block of code in a page.
type fence struct {
	language string
	lines    []string
}

func fences(text string) (list []fence) {
	var open *fence
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch mark, isFence := strings.CutPrefix(line, "```"); {
		case isFence && open == nil:
			open = &fence{language: mark}
		case isFence:
			list, open = append(list, *open), nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
	}
	return list
}

// pages returns the paths of the documentation's pages, the front page included.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("docs/*.md")
	if err != nil || len(list) < 15 {
		t.Fatalf("%q, %v", list, err)
	}
	return append(list, "README.md")
}

func TestMetricsPageDefinesReportKeys(t *testing.T) {
	t.Parallel()
	named := codeSpans(testenv.ReadFile(t, "docs/metrics.md"))
	var schema any
	if err := json.Unmarshal([]byte(testenv.ReadFile(t, "docs/schema/report.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	schemaKeys(schema, keys)
	if !keys["time_to_first_token"] || !keys["chunk_gap"] {
		t.Fatalf("keys of the schema: %v", slices.Sorted(maps.Keys(keys)))
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !named[key] {
			t.Errorf("docs/metrics.md does not define the key %s of a report", key)
		}
	}
}

// schemaKeys collects the names of all properties in a JSON Schema.
func schemaKeys(node any, keys map[string]bool) {
	switch n := node.(type) {
	case map[string]any:
		for name, child := range n {
			if properties, ok := child.(map[string]any); ok && name == "properties" {
				for key := range properties {
					keys[key] = true
				}
			}
			schemaKeys(child, keys)
		}
	case []any:
		for _, child := range n {
			schemaKeys(child, keys)
		}
	}
}

var (
	readSetting = regexp.MustCompile(`(?:__ENV\.|\b(?:file|numbers?|length|boolean|duration|shares?|json|choice)\(')([A-Z_]+)`)
	tableRow    = regexp.MustCompile("(?m)^\\| ((?:`[A-Z_]+`(?:, )?)+) \\|")
)

// settingsIn returns the names of the settings in the first column of a page's tables.
func settingsIn(text string) map[string]bool {
	names := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(text, -1) {
		maps.Copy(names, codeSpans(row[1]))
	}
	return names
}

// The pages name every setting that the scripts read and no others, and docs/scripts.md has a section on every script.
func TestScriptsPageIsComplete(t *testing.T) {
	t.Parallel()
	page := testenv.ReadFile(t, "docs/scripts.md")
	paths, err := filepath.Glob("scripts/*.js")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%q, %v", paths, err)
	}
	read := map[string]bool{}
	for _, path := range paths {
		for _, m := range readSetting.FindAllStringSubmatch(testenv.ReadFile(t, path), -1) {
			read[m[1]] = m[1] != "PWD" // the shell sets PWD
		}
		if name := filepath.Base(path); name != "settings.js" && !strings.Contains(page, "\n## "+name+"\n") {
			t.Errorf("docs/scripts.md has no section on %s", name)
		}
	}
	told := settingsIn(page)
	for name, wanted := range read {
		if wanted && !told[name] {
			t.Errorf("docs/scripts.md has no row on the setting %s", name)
		}
	}
	if len(told) == 0 {
		t.Error("docs/scripts.md has no table of settings")
	}
	for name := range told {
		if !read[name] {
			t.Errorf("docs/scripts.md has the setting %s, which no script reads", name)
		}
	}
}

func TestExitCodesAreK6s(t *testing.T) {
	t.Parallel()
	page := testenv.ReadFile(t, "docs/troubleshooting.md")
	for code, word := range map[exitcodes.ExitCode]string{
		exitcodes.ThresholdsHaveFailed: "threshold", exitcodes.InvalidConfig: "options",
		exitcodes.ExternalAbort: "SIGTERM", exitcodes.CannotStartRESTAPI: "API",
		exitcodes.ScriptException: "exception", exitcodes.ScriptAborted: "aborted", exitcodes.GoPanic: "panicked",
		exitcodes.MarkedAsFailed: "failed",
	} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \| .*%s`, code, word)).MatchString(page) {
			t.Errorf("docs/troubleshooting.md does not say that %d is about %q", code, word)
		}
	}
}

// The index lists every page, and every link leads somewhere.
func TestLinksOfTheDocumentation(t *testing.T) {
	t.Parallel()
	index := testenv.ReadFile(t, "docs/README.md")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
		for _, m := range link.FindAllStringSubmatch(testenv.ReadFile(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			} else if anchor != "" && !slices.Contains(anchors(testenv.ReadFile(t, path)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}

// anchors returns the names that GitHub gives to headings.
func anchors(text string) (list []string) {
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line {
			continue
		}
		list = append(list, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title)))
	}
	return list
}
