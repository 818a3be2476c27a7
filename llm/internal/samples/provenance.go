package samples

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"go.k6.io/k6/v2/lib"
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

// scriptEnds are the extensions of scripts that a script imports.
var scriptEnds = []string{".js", ".mjs", ".cjs", ".ts"}

// Scripts returns the script of a test and the local files that it imports, by name.
func Scripts(a *lib.Archive) []record.File {
	main := a.FilenameURL.Path
	list := []record.File{file(record.KindScript, main, a.Data)}
	local := a.Filesystems["file"]
	if cached, ok := local.(fsext.CacheLayerGetter); ok {
		local = cached.GetCachingFs() // what the script has read; of an archive, all that is in it
	}
	if local == nil {
		return list
	}
	// A file that cannot be read is left out: it is no reason to stop a test.
	_ = fsext.Walk(local, string(filepath.Separator), func(path string, info fs.FileInfo, err error) error {
		if err != nil || info.IsDir() || !slices.Contains(scriptEnds, filepath.Ext(path)) {
			return nil
		}
		data, err := fsext.ReadFile(local, path)
		if err == nil && filepath.ToSlash(path) != main && !bytes.Equal(data, a.Data) {
			list = append(list, file(record.KindModule, path, data))
		}
		return nil
	})
	slices.SortFunc(list[1:], func(a, b record.File) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256))
	})
	return list
}

func file(kind, path string, data []byte) record.File {
	return record.File{Kind: kind, Name: filepath.Base(filepath.FromSlash(path)), Bytes: int64(len(data)),
		SHA256: digest.Bytes(data)}
}
