//go:build linux || darwin

package outfile

import "golang.org/x/sys/unix"

// free returns how many bytes a user may still write on the disk of a folder.
func free(dir string) (bytes int64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Blocks == 0 { // some network file systems do not tell
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true // types differ between systems
}
