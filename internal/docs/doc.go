// Package docs holds the tests of the documentation: that the pages define, list and explain what the source has, that
// the messages they quote exist, that their links lead somewhere and that the commands they show run. It has no code of
// its own besides these tests.
package docs
