package convert

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// held is how much memory an input takes in relation to its bytes: records' numbers are packed to less than half, and a report
// of them needs some room beside; compressed files hold several times their bytes.
const (
	held       = 0.7
	compressed = 8
)

// enoughMemory refuses inputs that would not fit into memory, before any of them is read.
func enoughMemory(paths []string, available int64) error {
	if available <= 0 {
		return nil // not known on this system
	}
	var need float64
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		size := held * float64(info.Size())
		if strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst") || strings.HasSuffix(path, ".parquet") {
			size *= compressed
		}
		need += size
	}
	if need > float64(available) {
		return fmt.Errorf("the inputs may take %.1f GiB of memory, and %.1f GiB are available: take a machine with more (--force tries it)",
			need/(1<<30), float64(available)/(1<<30))
	}
	return nil
}

// availableMemory is what the system and the control group leave to this process, in bytes; 0 if neither tells.
func availableMemory() int64 {
	system := memInfo(readText("/proc/meminfo"))
	limit, err := strconv.ParseInt(readText("/sys/fs/cgroup/memory.max"), 10, 64)
	if err != nil { // "max", or no such file
		return system
	}
	used, err := strconv.ParseInt(readText("/sys/fs/cgroup/memory.current"), 10, 64)
	if err != nil {
		return system
	}
	return max(1, min(system, limit-used))
}

// memInfo reads MemAvailable, in bytes.
func memInfo(text string) int64 {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

func readText(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
