package style

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const maxMethods = 25

// No type has more than maxMethods methods. The methods of embedded types of this module count, too.
func TestMethods(t *testing.T) {
	t.Parallel()
	types := methodSets{}
	sources(t, func(path string, text []byte) {
		if err := types.read(path, text); err != nil {
			t.Error(err)
		}
	})
	if len(types) < 500 {
		t.Errorf("found %d types", len(types))
	}
	for name := range types {
		if n := len(types.methods(name, 0)); n > maxMethods {
			t.Errorf("%s has %d methods, want at most %d", name, n, maxMethods)
		}
	}
}

// methodSets holds what each type declares, by the folder and the name of the type.
type methodSets map[string]*methodSet

type methodSet struct {
	methods  map[string]bool
	embedded []string // names of types
}

func (m methodSets) get(name string) *methodSet {
	if m[name] == nil {
		m[name] = &methodSet{methods: map[string]bool{}}
	}
	return m[name]
}

// methods returns the methods of a type and of the types that it embeds.
func (m methodSets) methods(name string, depth int) map[string]bool {
	all := map[string]bool{}
	set := m[name]
	if set == nil || depth > 10 {
		return all
	}
	maps.Copy(all, set.methods)
	for _, inner := range set.embedded {
		maps.Copy(all, m.methods(inner, depth+1))
	}
	return all
}

// read adds the declarations of one file.
func (m methodSets) read(file string, text []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	folder := filepath.ToSlash(filepath.Dir(file))
	imports := map[string]string{}
	for _, spec := range f.Imports {
		if inner, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "github.com/seed-307b789f/xk6-llm/"); ok {
			imports[path.Base(inner)] = inner
			if spec.Name != nil {
				imports[spec.Name.Name] = inner
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv != nil {
				m.get(typeName(n.Recv.List[0].Type, folder, imports)).methods[n.Name.Name] = true
			}
			return false
		case *ast.TypeSpec:
			set := m.get(folder + "." + n.Name.Name)
			if body, ok := n.Type.(*ast.StructType); ok {
				for _, field := range body.Fields.List {
					if len(field.Names) == 0 {
						set.embedded = append(set.embedded, typeName(field.Type, folder, imports))
					}
				}
			}
		}
		return true
	})
	return nil
}

// typeName returns the folder and the name of a type, or "" for a type of another module.
func typeName(e ast.Expr, folder string, imports map[string]string) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X, folder, imports)
	case *ast.IndexExpr:
		return typeName(e.X, folder, imports)
	case *ast.IndexListExpr:
		return typeName(e.X, folder, imports)
	case *ast.Ident:
		return folder + "." + e.Name
	case *ast.SelectorExpr:
		if p, ok := e.X.(*ast.Ident); ok && imports[p.Name] != "" {
			return imports[p.Name] + "." + e.Sel.Name
		}
	}
	return ""
}
