//go:build !linux

package host

// Other systems have no control groups.

func cgroupMemory(string) (left int64, bound bool) { return 0, false }

func cgroupQuota() (processors float64) { return 0 }
