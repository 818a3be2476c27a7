//go:build unix && !linux

package main

import (
	"fmt"
	"time"
)

func runK6(string) {}

func lateness(time.Duration) error {
	fmt.Println("\nlateness is measured on Linux only")
	return nil
}
