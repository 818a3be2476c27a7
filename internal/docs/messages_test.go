package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// literals returns the texts of the project's own source, with … in place of each verb: the string constants of Go, and
// whole scripts.
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

// blank replaces the verbs of a format with …, as a page quotes it.
func blank(format string) string {
	return strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(format, "%%", "\x00"), "…"), "\x00", "%")
}

// constants returns the string constants of a Go file. Literals that are added up count as one.
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

// literalRuns joins the adjacent literals of a sum.
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

// terms returns the operands of a sum, from left to right.
func terms(x ast.Expr) []ast.Expr {
	if sum, ok := x.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return append(terms(sum.X), terms(sum.Y)...)
	}
	return []ast.Expr{x}
}

// quoted returns a pattern for a message on a page, in which each … stands for any text, and the length of its fixed
// text, which must be long enough to mean something.
func quoted(line string) (pattern *regexp.Regexp, fixed int) {
	parts := strings.Split(line, "…")
	for i, part := range parts {
		fixed += len(strings.TrimSpace(part))
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile(strings.Join(parts, ".*")), fixed
}

// The source has every message that a page quotes: that of the project a block of language message, and that of k6 a
// block of language k6.
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

// k6Texts returns the string constants of the packages of k6 that print messages for the user.
func k6Texts(t *testing.T) (list []string) {
	t.Helper()
	dir := moduleDir(t, "go.k6.io/k6/v2")
	for _, pkg := range []string{"internal/cmd", "internal/js", "lib/executor", "js/modules"} {
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

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// docs/troubleshooting.md explains each reason of a verdict and each warning of a report.
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
		"convert/health.go": {"addReason", "weigh"}, "convert/run/clocks.go": {"clockText"},
		"convert/ownside.go":  {"addReason"},
		"convert/warnings.go": {"warn"}, "convert/promptmedia.go": {"warn"},
	} {
		// another call has the text
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

// formatsOf returns the first text that each call of the given functions passes.
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
