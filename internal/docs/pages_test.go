package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
	"go.k6.io/k6/v2/errext/exitcodes"
)

// codeSpans are the words within backticks, taken apart where one span names several.
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

// pages are the pages of the documentation, the front page included.
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
	readSetting = regexp.MustCompile(`(?:__ENV\.|\b(?:number|length|boolean)\(')([A-Z_]+)`)
	tableRow    = regexp.MustCompile("(?m)^\\| ((?:`[A-Z_]+`(?:, )?)+) \\|")
)

// settingsIn are the names of settings in the first column of a page's tables.
func settingsIn(text string) map[string]bool {
	names := map[string]bool{}
	for _, row := range tableRow.FindAllStringSubmatch(text, -1) {
		maps.Copy(names, codeSpans(row[1]))
	}
	return names
}

// The pages name every setting that the scripts read, and none that they do not; and every script has its place.
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
			read[m[1]] = m[1] != "PWD" // which k6 is given by the shell
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
	for _, from := range []string{"docs/scripts.md", "README.md"} {
		names := settingsIn(testenv.ReadFile(t, from))
		if len(names) == 0 {
			t.Errorf("%s has no table of settings", from)
		}
		for name := range names {
			if !read[name] {
				t.Errorf("%s has the setting %s, which no script reads", from, name)
			}
		}
	}
}

// literals are the texts of the project's own source, with … for what is filled in: Go's string constants, whole
// scripts.
func literals(t *testing.T) (list []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" ||
			d.Name() == "bin"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".js"):
			list = append(list, regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(testenv.ReadFile(t, path), "…"))
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			list = append(list, constants(t, path)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var verb = regexp.MustCompile(`%[-+# 0]*[\d.*]*[a-zA-Z]`)

// blank makes of a format what a page quotes of it.
func blank(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(format, "%%", "\x00"), "…"), "\x00", "%")
}

// constants are the string constants of a Go file; literals that are added up are one.
func constants(t *testing.T, path string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sum, ok := n.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
			list = append(list, literalRuns(sum)...)
		}
		if text, ok := literal(n); ok {
			list = append(list, blank(text))
		}
		return true
	})
	return list
}

// literal returns the text of a string literal.
func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// literalRuns joins the literals of a sum that stand beside each other.
func literalRuns(sum ast.Expr) (list []string) {
	var run string
	for _, term := range terms(sum) {
		if text, ok := literal(term); ok {
			run += text
			continue
		}
		list, run = append(list, blank(run)), ""
	}
	return append(list, blank(run))
}

// terms are what a sum adds up, from left to right.
func terms(x ast.Expr) []ast.Expr {
	if sum, ok := x.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return append(terms(sum.X), terms(sum.Y)...)
	}
	return []ast.Expr{x}
}

// quoted makes a pattern of a message in a page: each … stands for anything. Fixed text must be long enough to mean
// something.
func quoted(line string) (pattern *regexp.Regexp, fixed int) {
	parts := strings.Split(line, "…")
	for i, part := range parts {
		fixed += len(strings.TrimSpace(part))
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(strings.Join(parts, ".*")), fixed
}

// Every message that a page quotes is in the source: in a block of language message ours, in one of language k6 that of
// k6.
func TestQuotedMessagesExist(t *testing.T) {
	t.Parallel()
	sources := map[string][]string{"message": literals(t), "k6": k6Texts(t)}
	seen := map[string]int{}
	for _, page := range pages(t) {
		for _, f := range fences(testenv.ReadFile(t, page)) {
			texts, isQuote := sources[f.language]
			for _, line := range f.lines {
				if !isQuote {
					break
				}
				seen[f.language]++
				pattern, fixed := quoted(line)
				if fixed < 12 || !slices.ContainsFunc(texts, pattern.MatchString) {
					t.Errorf("%s quotes %q, which the source of %s does not have", page, line, f.language)
				}
			}
		}
	}
	if seen["message"] < 40 || seen["k6"] < 3 {
		t.Errorf("looked at %v quotes", seen)
	}
}

// k6Texts are the constants of those packages of k6 that talk to the user.
func k6Texts(t *testing.T) (list []string) {
	t.Helper()
	dir := moduleDir(t, "go.k6.io/k6/v2")
	for _, pkg := range []string{"internal/cmd", "lib/executor", "js/modules"} {
		paths, err := filepath.Glob(filepath.Join(dir, pkg, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %q, %v", pkg, paths, err)
		}
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.go") {
				list = append(list, constants(t, path)...)
			}
		}
	}
	return list
}

// What a report says against a run, and what it warns of, is explained.
func TestVerdictsAreExplained(t *testing.T) {
	t.Parallel()
	var patterns []*regexp.Regexp
	for _, f := range fences(testenv.ReadFile(t, "docs/troubleshooting.md")) {
		for _, line := range f.lines {
			if f.language == "message" {
				pattern, _ := quoted(line)
				patterns = append(patterns, pattern)
			}
		}
	}
	for path, calls := range map[string][]string{
		"convert/health.go": {"say", "weigh"}, "convert/clocks.go": {"say", "clockText"}, "convert/ownside.go": {"say"},
		"convert/warnings.go": {"warn"},
	} {
		// said elsewhere
		formats := slices.DeleteFunc(formatsOf(t, path, calls), func(f string) bool { return f == "…" })
		if len(formats) == 0 {
			t.Errorf("%s: found %q only", path, formats)
		}
		for _, format := range formats {
			if !slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(format) }) {
				t.Errorf("docs/troubleshooting.md does not explain %q of %s", format, path)
			}
		}
	}
}

// formatsOf are the first texts that calls of some functions are given.
func formatsOf(t *testing.T, path string, calls []string) (list []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !slices.Contains(calls, calledName(call.Fun)) {
			return true
		}
		for _, arg := range call.Args {
			if runs := literalRuns(arg); runs[0] != "" {
				list = append(list, runs[0])
				break
			}
		}
		return true
	})
	return list
}

func calledName(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
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

// Every page is in the index, and every link leads somewhere.
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

// anchors are the names that headings get on GitHub.
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
