//go:build !unix

package host

// ReadLimits returns no limits: Windows bounds neither files nor, in practice, ports that tightly.
func ReadLimits() Limits { return Limits{} }

// Reserve does nothing: there is no table of open files to grow.
func Reserve(int64) {}
