//go:build unix

package deploy

import "syscall"

// inUse is why a port cannot be listened on if another does.
var inUse error = syscall.EADDRINUSE
