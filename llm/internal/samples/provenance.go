package samples

import (
	"cmp"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// binary hashes the program of this process. It takes some 50 ms, during which a test starts anyway.
var binary = sync.OnceValue(func() chan record.File {
	found := make(chan record.File, 1)
	go func() {
		defer close(found)
		path, err := os.Executable()
		if err != nil {
			return
		}
		f := record.File{Kind: record.KindBinary, Name: filepath.Base(path)}
		if f.SHA256, f.Bytes, err = digest.File(path); err == nil {
			found <- f
		}
	}()
	return found
})

// HashBinary begins to hash the program of this process, in the background. Only the first call does anything.
func HashBinary() { binary() }

// Binary waits for the hash of the program of this process. ok is false if there is none, and for a second call.
func Binary() (f record.File, ok bool) {
	f, ok = <-binary()
	return f, ok
}

// machine describes the computer of this process.
var machine = sync.OnceValue(func() *record.Machine {
	m := &record.Machine{
		CPU: host.CPUModel(), Cores: runtime.NumCPU(), Memory: host.TotalMemory(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: host.Kernel(),
	}
	if quota := host.Processors(); quota != float64(runtime.GOMAXPROCS(0)) {
		m.Quota = quota
	}
	return m
})

// imports matches what a script imports from files beside it.
var imports = regexp.MustCompile(`(?:\bfrom|\bimport|\brequire\s*\()\s*['"]((?:\.{1,2}|file://)?/[^'"]+)['"]`)

// mostScripts bounds the number of files that a script is followed to.
const mostScripts = 256

// Scripts returns a script, or the archive that has it, and the local files that it imports, by name. A file that
// cannot be read, such as the standard input, is left out: it is no reason to stop a test.
func Scripts(files fsext.Fs, script *url.URL) (list []record.File) {
	if files == nil || script == nil || script.Scheme != "file" {
		return nil
	}
	queue, seen := []string{script.Path}, map[string]bool{}
	for len(queue) > 0 && len(seen) < mostScripts {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		data, err := fsext.ReadFile(files, filepath.FromSlash(at))
		if err != nil {
			continue
		}
		kind := record.KindModule
		if at == script.Path {
			kind = record.KindScript
		}
		list = append(list, file(kind, at, data))
		for _, found := range imports.FindAllSubmatch(data, mostScripts) {
			next := strings.TrimPrefix(string(found[1]), "file://")
			if !path.IsAbs(next) {
				next = path.Join(path.Dir(at), next)
			}
			queue = append(queue, next)
		}
	}
	slices.SortStableFunc(list, func(a, b record.File) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256))
	})
	return list
}

func file(kind, path string, data []byte) record.File {
	return record.File{Kind: kind, Name: filepath.Base(filepath.FromSlash(path)), Bytes: int64(len(data)),
		SHA256: digest.Bytes(data)}
}
