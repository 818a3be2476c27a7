// Package e2e holds the tests that run the built binaries as a user does: against the simulator (run_*), against real
// servers (real_*), with the outputs of k6 (outputs_*) and in the container image (image_*). It has no code of its own
// besides these tests.
package e2e
