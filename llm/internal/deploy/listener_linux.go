package deploy

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// listener names the process that listens on a port, "" if it cannot be told, such as another user's.
func listener(port int) string {
	sockets := map[string]bool{}
	for _, table := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, inode := range listening(table, port) {
			sockets["socket:["+inode+"]"] = true
		}
	}
	if len(sockets) == 0 {
		return ""
	}
	files, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && sockets[to] {
			pid := strings.Split(file, "/")[2]
			return fmt.Sprintf("process %s (%s)", pid, program(pid))
		}
	}
	return ""
}

// listening returns the inodes of the sockets of a table that listen on a port.
func listening(table string, port int) (inodes []string) {
	text, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	const local, state, inode, listen = 1, 3, 9, "0A"
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) <= inode || fields[state] != listen {
			continue
		}
		_, hex, _ := strings.Cut(fields[local], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			inodes = append(inodes, fields[inode])
		}
	}
	return inodes
}

// program returns the name of a process.
func program(pid string) string {
	text, err := os.ReadFile("/proc/" + pid + "/comm")
	if err != nil {
		return "unknown"
	}
	return plain.Short(strings.TrimSpace(string(text)))
}
