// Package style holds the tests of how the source is written that no public linter makes. It has no code of its own
// besides these tests.
package style
