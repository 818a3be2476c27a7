//go:build !unix

package host

// Here knows no limits: Windows bounds neither files nor, in practice, ports so low.
func Here() Limits { return Limits{} }

// Reserve does nothing: there is no table of open files to grow.
func Reserve(int64) {}
