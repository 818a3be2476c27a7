package run

import (
	"fmt"
	"os"
	"strings"
)

// These factors estimate the memory that an input takes from its size. Packed records take less than half of their
// bytes, and their report needs some more memory; compressed files hold several times their bytes.
const (
	memoryPerByte     = 0.7
	compressionFactor = 8
)

// checkMemory refuses inputs that would not fit into memory, before any of them is read. available is in bytes; 0 means
// unknown.
func checkMemory(paths []string, available int64) error {
	if available <= 0 {
		return nil // this system does not report it
	}
	var need float64
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		size := memoryPerByte * float64(info.Size())
		if strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst") || strings.HasSuffix(path, ".parquet") {
			size *= compressionFactor
		}
		need += size
	}
	if need > float64(available) {
		return fmt.Errorf("the inputs may take %.1f GiB of memory, and %.1f GiB are available: take a machine with "+
			"more (--force tries it)",
			need/(1<<30), float64(available)/(1<<30))
	}
	return nil
}
