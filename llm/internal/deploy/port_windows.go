package deploy

import "syscall"

// inUse is why a port cannot be listened on if another does: WSAEADDRINUSE.
var inUse error = syscall.Errno(10048)
