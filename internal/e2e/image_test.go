package e2e

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/image"
	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

// dockerFaults lists what in a Dockerfile breaks the project's rules.
func dockerFaults(list []image.Stage) (faults []string) {
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	names := map[string]bool{}
	for _, s := range list {
		fault(s.Name == "", "a stage from %s has no name", s.From)
		fault(!strings.Contains(s.From, ":") || strings.HasSuffix(s.From, ":latest"), "base %s has no version", s.From)
		fault(len(s.All("ADD")) > 0, "ADD in stage %s: COPY does only what it says", s.Name)
		for _, run := range s.All("RUN") {
			apt := strings.Contains(run, "apt-get install")
			fault(apt && !strings.Contains(run, "rm -rf /var/lib/apt/lists/*"), "the lists of apt stay in a layer: %s",
				run)
			fault(apt && !strings.Contains(run, "--no-install-recommends"), "apt installs what nobody asked for: %s",
				run)
		}
		for _, args := range s.All("COPY") {
			from, found := strings.CutPrefix(strings.Fields(args)[0], "--from=")
			fault(found && !names[from], "COPY from %s, which is no earlier stage", from)
		}
		names[s.Name] = true
	}
	final := list[len(list)-1]
	user, _, _ := strings.Cut(final.Last("USER"), ":")
	fault(!regexp.MustCompile(`^[1-9]\d*$`).MatchString(user), "USER is %q, want a number that is not 0", user)
	fault(!slices.Contains(final.Env(), "K6_AUTO_EXTENSION_RESOLUTION=false"), "k6 would look for extensions elsewhere")
	fault(final.Last("ENTRYPOINT") != `["k6"]`, "ENTRYPOINT is %s, want [\"k6\"]", final.Last("ENTRYPOINT"))
	fault(len(final.All("LABEL")) == 0, "no labels")
	return faults
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	list := image.Stages(testenv.ReadFile(t, "Dockerfile"))
	for _, fault := range dockerFaults(list) {
		t.Error(fault)
	}
	if err := testenv.Build(); err != nil {
		t.Fatal(err)
	}
	for _, args := range list[len(list)-1].All("COPY") {
		words := strings.Fields(args)
		if !strings.HasPrefix(words[0], "--from=") {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			checkStatic(t, strings.TrimPrefix(source, "/src/"))
		}
	}
}

// checkStatic checks that a binary needs no loader, so that it runs on any base image.
func checkStatic(t *testing.T, name string) {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", name)
		}
	}
}

func TestDockerfileRulesFindFaults(t *testing.T) {
	t.Parallel()
	good := testenv.ReadFile(t, "Dockerfile")
	for _, tt := range []struct{ old, new, want string }{
		{"FROM golang:1.26-bookworm AS build", "FROM golang:1.26-bookworm", "has no name"},
		{"debian:bookworm-slim AS", "debian:latest AS", "has no version"},
		{"debian:bookworm-slim AS", "debian AS", "has no version"},
		{"COPY scripts", "ADD scripts", "ADD in stage"},
		{"&& rm -rf /var/lib/apt/lists/*", "&& true", "the lists of apt stay"},
		{"--no-install-recommends", "", "what nobody asked for"},
		{"--from=build", "--from=builder", "no earlier stage"},
		{"USER 65532", "USER k6", `USER is "k6"`},
		{"USER 65532", "USER 0", `USER is "0"`},
		{"_RESOLUTION=false", "_RESOLUTION=true", "look for extensions"},
		{`["k6"]`, "k6", "ENTRYPOINT is k6"},
		{"LABEL", "ARG", "no labels"},
	} {
		bad := strings.ReplaceAll(good, tt.old, tt.new)
		faults := strings.Join(dockerFaults(image.Stages(bad)), "\n")
		if bad == good || !strings.Contains(faults, tt.want) {
			t.Errorf("%q for %q: faults %q, want %q", tt.new, tt.old, faults, tt.want)
		}
	}
}

// ignored reports whether .dockerignore excludes a path. It knows the forms of patterns that the file uses: *, !name
// and **/pattern. The last pattern that matches decides.
func ignored(patterns, name string) (out bool) {
	for pattern := range strings.Lines(patterns) {
		pattern = strings.TrimSpace(pattern)
		if pattern == "" || pattern[0] == '#' {
			continue
		}
		pattern, kept := strings.CutPrefix(pattern, "!")
		anywhere, deep := strings.CutPrefix(pattern, "**/")
		parts := strings.Split(name, "/")
		if !deep {
			parts = parts[:1]
		}
		for _, part := range parts {
			if fits, _ := path.Match(anywhere, part); fits {
				out = !kept
			}
		}
	}
	return out
}

// The files that .dockerignore lets through suffice for the build, and are no others.
func TestBuildContext(t *testing.T) {
	t.Parallel()
	patterns, dir := testenv.ReadFile(t, ".dockerignore"), t.TempDir()
	for name, want := range map[string]bool{".git/config": true, "bin/k6": true, ".deps/python/bin/python": true,
		"run_test.go": true, "llm/sim/testdata/a.json": true, "reports/a": true,
		"go.mod": false, "llm/sim/server.go": false, "scripts/data/README.md": false, "datasets/corpus.txt": false} {
		if got := ignored(patterns, name); got != want {
			t.Errorf("%s is excluded: %t, want %t", name, got, want)
		}
	}
	for _, s := range image.Stages(testenv.ReadFile(t, "Dockerfile")) {
		for _, args := range s.All("COPY") {
			words := strings.Fields(args)
			if strings.HasPrefix(words[0], "--from=") {
				continue
			}
			for _, source := range words[:len(words)-1] {
				copyContext(t, patterns, source, dir)
			}
		}
	}
	cmd := exec.Command("go", "list", "-deps", ".", "./cmd/llmconv")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the build fails with the files that .dockerignore lets through: %v\n%s", err, out)
	}
}

// copyContext copies the files that COPY would see.
func copyContext(t *testing.T, patterns, source, dir string) {
	t.Helper()
	err := filepath.WalkDir(source, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || ignored(patterns, filepath.ToSlash(name)) {
			return err
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
	if err != nil {
		t.Errorf("COPY %s: %v", source, err)
	}
}
