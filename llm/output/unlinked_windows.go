package output

import "io/fs"

// unlinked is never true: an open file cannot be deleted here.
func unlinked(fs.FileInfo) bool { return false }
