//go:build !race

package testenv

// Race reports whether the race detector runs, which makes computing five to fifteen times slower.
const Race = false
