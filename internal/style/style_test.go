package style

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// sources calls do with the name and the text of each Go file of the repository.
func sources(t *testing.T, do func(path string, text []byte)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || path == "bin"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		files++
		do(path, text)
		return err
	})
	if err != nil || files < 300 {
		t.Errorf("read %d files, %v", files, err)
	}
}

const maxColumns, tabWidth = 120, 4

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// TestColumns checks that no line is longer than 120 columns, except lines of raw strings, of generated files, and of
// comments that are printed as they stand: preformatted text and the output of examples.
func TestColumns(t *testing.T) {
	t.Parallel()
	sources(t, func(path string, text []byte) {
		if generated.Match(text) {
			return
		}
		for _, fault := range tooLong(path, text) {
			t.Error(fault)
		}
	})
}

// tooLong returns a message for each line of a file that is longer than maxColumns and none of the exceptions.
func tooLong(path string, text []byte) (faults []string) {
	var raw map[int]bool
	number, output := 0, false
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		width := utf8.RuneCountInString(line) + (tabWidth-1)*strings.Count(line, "\t")
		output = strings.HasPrefix(line, "\t// Output:") || output && strings.HasPrefix(line, "\t//")
		if width <= maxColumns || output || strings.HasPrefix(line, "//\t") {
			continue
		}
		if raw == nil {
			raw = rawLines(text)
		}
		if !raw[number] {
			faults = append(faults, fmt.Sprintf("%s:%d: %d columns, want at most %d", path, number, width, maxColumns))
		}
	}
	return faults
}

// rawLines returns the numbers of the lines that hold a part of a raw string.
func rawLines(text []byte) map[int]bool {
	lines := map[int]bool{}
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, func(token.Position, string) {}, 0)
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok == token.STRING && literal[0] == '`' {
			first := file.Line(pos)
			for i := range strings.Count(literal, "\n") + 1 {
				lines[first+i] = true
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 116)
	text := "package p\n\n" +
		"// " + long + "y\n" + // 120 columns
		"// " + long + "yy\n" +
		"\t// " + long + "\n" + // a tab is four columns
		"var a = `" + long + "\n" + long + long + "`\n" +
		"var b = \"" + long + "\"\n" +
		"//\t" + long + long + "\n" +
		"func Example() {\n\t// Output:\n\t// " + long + long + "\n}\n"
	got := tooLong("p.go", []byte(text))
	want := []string{
		"p.go:4: 121 columns, want at most 120", "p.go:5: 123 columns, want at most 120",
		"p.go:8: 126 columns, want at most 120",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

var (
	skipCall  = regexp.MustCompile(`\b(?:t|b|tb)\.(?:Skip|Skipf|SkipNow)\(`)
	skipOfEnv = regexp.MustCompile(`\btestenv\.Skip\(`)
)

// TestSkipsHaveOneForm checks that tests are skipped by testenv.Skip alone, so that `make test` can list what each test
// needs and how to get it.
func TestSkipsHaveOneForm(t *testing.T) {
	t.Parallel()
	calls := 0
	sources(t, func(path string, text []byte) {
		calls += len(skipOfEnv.FindAll(text, -1))
		if call := skipCall.Find(text); call != nil && filepath.Base(filepath.Dir(path)) != "testenv" {
			t.Errorf("%s calls %s) instead of testenv.Skip", path, call)
		}
	})
	if calls < 10 {
		t.Errorf("found %d calls of testenv.Skip", calls)
	}
}
