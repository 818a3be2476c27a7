// Package style tests rules of the source that no public linter checks. It has no code besides its tests.
package style
