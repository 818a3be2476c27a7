//go:build !linux

package alarm

import (
	"os"
	"time"
)

// lead is 0 because there is no timer to change to.
const lead = 0

func newTimer() *os.File { return nil }

func set(*os.File, time.Duration, time.Duration) bool { return false }

func goesOff(*os.File) bool { return false }
