package host

import (
	"os"
	"strings"
)

// CPUModel returns the name of the processor's model, "" if the system does not tell.
func CPUModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	return cpuModel(string(text))
}

// cpuModel finds the model in the text of /proc/cpuinfo, whose names for it depend on the architecture.
func cpuModel(text string) string {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "model name", "Model", "cpu model":
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// Kernel returns the version of the kernel, "" if the system does not tell.
func Kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

// TotalMemory returns the bytes of memory that the machine has, 0 if the system does not tell.
func TotalMemory() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	return memoryLine(string(text), "MemTotal")
}
