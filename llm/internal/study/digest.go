package study

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// The limits of what a digest reads. Files beyond them count by their size and the time of their last change.
const (
	wholeFile = 16 << 20 // bytes
	program   = 1 << 20  // bytes of a script; a longer program is of a version, and that is no part of a digest
	mostFiles = 2000
)

// digested is everything that the figures of a cell depend on.
type digested struct {
	Form        int // of the digest
	Deployment  string
	Command     []string
	Environment []string
	Manifests   string
	Compose     string
	URL         string
	Parameters  []string
	Warmup      []string
	Later       bool `json:",omitempty"` // the server has run the repeats before
	Config      string
	Flags       []string
	Files       map[string]string // that the texts name, with the hashes of what is in them
}

// Digester makes the digests of cells. It reads each file once.
type Digester struct{ files map[string]string }

// Digest returns a hash of all that the figures of a cell depend on: its deployment with its parameters, workload, load
// and flags, and the contents of the files that they name. Secrets of the environment have no part in it.
func (d *Digester) Digest(e *Experiment, c *Cell) string {
	v := c.Variant
	spec, values := v.Spec(), v.Values()
	all := digested{Form: 1, Deployment: v.Name, Manifests: spec.Manifests, Compose: spec.Compose,
		URL: secret.WithoutUser(partly(spec.URL, values)), Config: c.Test.Config, Files: map[string]string{}}
	found := &mentions{digester: d, files: all.Files}
	for i, word := range spec.Command {
		word = partly(word, values)
		all.Command = append(all.Command, word)
		found.word(word, spec.Directory, i == 0)
	}
	for _, line := range spec.Environment {
		if name, value, _ := strings.Cut(partly(line, values), "="); !secret.Named(name) {
			all.Environment = append(all.Environment, name+"="+value)
			found.word(value, spec.Directory, false)
		}
	}
	for _, p := range v.Parameters {
		all.Parameters = append(all.Parameters, p.Name+"="+p.Value)
	}
	if v.warmup != nil {
		all.Warmup = arguments(e.warmupOf(v))
	}
	all.Flags, all.Later = arguments(c.Test.Flags), c.Repeat > 1 && !e.Restart
	for _, f := range c.Test.Flags {
		for _, text := range f.Texts {
			found.word(text, "", false)
		}
	}
	for _, path := range []string{spec.Manifests, spec.Compose} {
		found.document(partly(path, values), true)
	}
	found.document(c.Test.Config, false)
	text, err := json.Marshal(all)
	if err != nil { // never: texts can be written
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// partly replaces the references whose values are known before the deployment starts, and leaves the others.
func partly(text string, values map[string]string) string {
	known := map[string]string{}
	for _, name := range []string{"port", "namespace"} {
		known[name] = "${" + name + "}"
	}
	for name, value := range values {
		known[name] = value
	}
	return expanded(text, known)
}

// arguments returns flags as a command line has them, in the order of their names.
func arguments(flags []Flag) (list []string) {
	byName := func(a, b Flag) int { return strings.Compare(a.Name, b.Name) }
	for _, f := range slices.SortedFunc(slices.Values(flags), byName) {
		list = append(list, f.Arguments()...)
	}
	return list
}

// mentions collects the files that texts name.
type mentions struct {
	digester *Digester
	files    map[string]string
}

// word adds the files that a word names, whole or in a part of it, as in --config=FILE and a.jsonl@0.7,b.jsonl@0.3.
func (m *mentions) word(text, dir string, isProgram bool) {
	parts := append(strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune("=,@", c) }), text)
	for _, part := range parts {
		path := part
		if dir != "" && !filepath.IsAbs(part) {
			path = filepath.Join(dir, part)
		}
		info, err := os.Stat(path)
		if part == "" || err != nil || !info.Mode().IsRegular() || isProgram && info.Size() > program {
			continue
		}
		m.add(path, info)
	}
}

// add adds a file, and reports whether it was new.
func (m *mentions) add(path string, info fs.FileInfo) bool {
	if _, ok := m.files[path]; ok || len(m.files) >= mostFiles {
		return false
	}
	m.files[path] = m.digester.hash(path, info)
	return true
}

// hash returns what stands for the content of a file.
func (d *Digester) hash(path string, info fs.FileInfo) string {
	if known, ok := d.files[path]; ok {
		return known
	}
	text := fmt.Sprintf("%d bytes of %d", info.Size(), info.ModTime().UnixNano())
	if info.Size() <= wholeFile {
		if f, err := os.Open(path); err == nil {
			h := sha256.New()
			if _, err := io.Copy(h, io.LimitReader(f, wholeFile)); err == nil {
				text = hex.EncodeToString(h.Sum(nil))
			}
			_ = f.Close() // it was only read
		}
	}
	if d.files == nil {
		d.files = map[string]string{}
	}
	d.files[path] = text
	return text
}

// document adds a file, or the files of a folder, and the files that these name in turn: in a manifest relative to
// its folder, and in a configuration to that of this process.
func (m *mentions) document(path string, beside bool) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				m.document(filepath.Join(path, entry.Name()), beside)
			}
		}
		return
	}
	if !info.Mode().IsRegular() || !m.add(path, info) || info.Size() > maxSize {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil || !slices.Contains([]string{".yaml", ".yml", ".json", ""}, filepath.Ext(path)) {
		return
	}
	dir := ""
	if beside {
		dir = filepath.Dir(path)
	}
	for _, name := range scalars(text) {
		if named := filepath.Join(dir, name); beside && !filepath.IsAbs(name) {
			m.document(named, true)
		} else if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			m.add(name, info)
		}
	}
}

// scalars returns the texts in the documents of a YAML file; none after the first mistake.
func scalars(text []byte) (list []string) {
	for doc := range strings.SplitSeq(string(text), "\n---") {
		f := &faults{}
		if v := parse([]byte(doc), f); v != nil {
			list = v.texts(list)
		}
	}
	return list
}

// texts appends the texts in a value that may be the name of a file.
func (v *value) texts(list []string) []string {
	if v.kind == scalarKind && v.isText && v.text != "" && len(v.text) < 1000 && !strings.Contains(v.text, "\n") {
		list = append(list, v.text)
	}
	for _, item := range v.items {
		list = item.texts(list)
	}
	for _, m := range v.members {
		list = m.value.texts(list)
	}
	return list
}
