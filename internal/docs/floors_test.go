package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/testenv"
)

const module = "github.com/seed-307b789f/xk6-llm"

// goPackage is a package of the module, with paths below the module's.
type goPackage struct {
	path    string
	imports []string // packages of the module
	foreign []string // all others
}

// goPackages lists the packages of the module without their tests.
func goPackages(t *testing.T) (list []goPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		pkg := goPackage{path: belowModule(p.ImportPath)}
		for _, name := range p.Imports {
			if name == module || strings.HasPrefix(name, module+"/") {
				pkg.imports = append(pkg.imports, belowModule(name))
			} else {
				pkg.foreign = append(pkg.foreign, name)
			}
		}
		list = append(list, pkg)
	}
}

// belowModule returns the path of a package below the module; that of the root is "register.go", the only file there.
func belowModule(importPath string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	if name == "" {
		return "register.go"
	}
	return name
}

// floors reads the list of floors of docs/architecture.md: the floor of each package, counted from 1 upwards.
func floors(t *testing.T) map[string]int {
	t.Helper()
	floor := map[string]int{}
	for _, f := range fences(testenv.ReadFile(t, "docs/architecture.md")) {
		if f.language != "floors" {
			continue
		}
		number := 0
		for _, line := range f.lines {
			words := strings.Fields(line)
			if len(words) > 0 {
				if n, err := strconv.Atoi(words[0]); err == nil {
					number, words = n, words[1:]
				}
			}
			for _, name := range words {
				if floor[name] != 0 {
					t.Errorf("docs/architecture.md lists %s twice", name)
				}
				floor[name] = number
			}
		}
	}
	return floor
}

// A package imports lower floors only, and stands on the lowest floor that its imports allow.
func TestFloors(t *testing.T) {
	t.Parallel()
	floor := floors(t)
	if len(floor) < 20 {
		t.Fatalf("docs/architecture.md lists %d packages", len(floor))
	}
	known := map[string]bool{}
	for _, pkg := range goPackages(t) {
		known[pkg.path] = true
		if floor[pkg.path] == 0 {
			t.Errorf("docs/architecture.md lists no floor of %s", pkg.path)
			continue
		}
		lowest := 1
		for _, name := range pkg.imports {
			if floor[name] >= floor[pkg.path] {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", pkg.path, floor[pkg.path], name,
					floor[name])
			}
			lowest = max(lowest, floor[name]+1)
		}
		if lowest < floor[pkg.path] {
			t.Errorf("%s stands on floor %d, and imports nothing of the floor below: it belongs on floor %d", pkg.path,
				floor[pkg.path], lowest)
		}
	}
	for name := range floor {
		if !known[name] {
			t.Errorf("docs/architecture.md lists %s, which is not a package", name)
		}
	}
}

// crossing permits packages of one wing to import a package of another wing or a library that few may use.
type crossing struct{ from, to string }

var crossingRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\|")

// crossings reads the table of crossings of docs/architecture.md.
func crossings(t *testing.T) (list []crossing) {
	t.Helper()
	_, table, _ := strings.Cut(testenv.ReadFile(t, "docs/architecture.md"), "<!-- crossings -->")
	for _, row := range crossingRow.FindAllStringSubmatch(table, -1) {
		list = append(list, crossing{row[1], row[2]})
	}
	return list
}

// crosses reports whether an import needs a permission: from one wing into another, or of a library that belongs to
// one floor.
func crosses(from, to string) bool {
	wing := func(name string) string { first, _, _ := strings.Cut(name, "/"); return first }
	switch wing(to) {
	case "llm", "convert", "datasets", "cmd":
		return wing(from) != wing(to)
	}
	return strings.HasPrefix(to, "go.k6.io/k6") || strings.HasPrefix(to, "github.com/grafana/sobek")
}

// permits reports whether a crossing permits an import. A name that ends in /... stands for all packages below too.
func (c crossing) permits(from, to string) bool { return matches(c.from, from) && matches(c.to, to) }

func matches(pattern, name string) bool {
	if root, all := strings.CutSuffix(pattern, "/..."); all {
		return name == root || strings.HasPrefix(name, root+"/")
	}
	return pattern == name
}

// Each import across the wings is permitted by a row of the table, and each row is used.
func TestCrossings(t *testing.T) {
	t.Parallel()
	list := crossings(t)
	if len(list) < 5 {
		t.Fatalf("docs/architecture.md lists %v", list)
	}
	used := map[crossing]bool{}
	for _, pkg := range goPackages(t) {
		for _, name := range slices.Concat(pkg.imports, pkg.foreign) {
			if !crosses(pkg.path, name) {
				continue
			}
			i := slices.IndexFunc(list, func(c crossing) bool { return c.permits(pkg.path, name) })
			if i < 0 {
				t.Errorf("%s imports %s, which no crossing of docs/architecture.md permits", pkg.path, name)
				continue
			}
			used[list[i]] = true
		}
	}
	for _, c := range list {
		if !used[c] {
			t.Errorf("docs/architecture.md permits %s to import %s, which nothing does", c.from, c.to)
		}
	}
}

// llmconv, which is under Apache-2.0 alone, reaches no package of k6.
func TestConverterHasNoK6(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "./cmd/llmconv").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, path.Join(module, "convert")) {
		t.Fatalf("got %d dependencies, none of them the converter", len(deps))
	}
	for _, name := range deps {
		if strings.HasPrefix(name, "go.k6.io") || strings.Contains(name, "sobek") {
			t.Errorf("llmconv reaches %s", name)
		}
	}
}

// maxPublic is how many packages other modules can import.
const maxPublic = 16

// Each package that other modules can import has its reason in docs/architecture.md.
func TestPublicPackagesHaveReasons(t *testing.T) {
	t.Parallel()
	page, public := testenv.ReadFile(t, "docs/architecture.md"), 0
	for _, pkg := range goPackages(t) {
		name := "/" + pkg.path + "/"
		if strings.Contains(name, "/internal/") || strings.HasPrefix(name, "/cmd/") {
			continue
		}
		public++
		if !strings.Contains(page, "\n| `"+pkg.path+"` | ") {
			t.Errorf("docs/architecture.md does not say why %s is public", pkg.path)
		}
	}
	if public > maxPublic {
		t.Errorf("%d packages are public, at most %d may be: move some below an internal folder", public, maxPublic)
	}
}
