package run

import (
	"path/filepath"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// hashFiles hashes files while they are read. The function that it returns waits for that. What is no regular file,
// such as a pipe, is left out, because it can be read only once.
func hashFiles(paths []string) (wait func() []record.File) {
	all := make([]record.File, len(paths))
	var group sync.WaitGroup
	group.Go(func() {
		for i, path := range paths {
			if sum, n, err := digest.File(path); err == nil {
				all[i] = record.File{Kind: record.KindRecords, Name: filepath.Base(path), Bytes: n, SHA256: sum}
			}
		}
	})
	return func() (list []record.File) {
		group.Wait()
		for _, f := range all {
			if f.Name != "" {
				list = append(list, f)
			}
		}
		return list
	}
}
