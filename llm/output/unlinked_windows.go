package output

import "io/fs"

// unlinked always returns false, because an open file cannot be deleted on Windows.
func unlinked(fs.FileInfo) bool { return false }
