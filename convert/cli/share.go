package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// share is a flag that holds a share: 5% or 0.05.
type share float64

// shareFlag adds a flag that holds a share.
func shareFlag(flags *pflag.FlagSet, s *share, name string, usual float64, usage string) {
	*s = share(usual)
	flags.Var(s, name, usage)
}

// String returns the share as a number, Type what help calls its value, and Set reads one.
func (s *share) String() string { return strconv.FormatFloat(float64(*s), 'g', -1, 64) }

// Type returns what help calls the flag's value.
func (s *share) Type() string { return "share" }

// Set reads a share such as 5% or 0.05.
func (s *share) Set(text string) error {
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	switch {
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return fmt.Errorf("%q is no share: write it as 5%% or 0.05", text)
	case percent:
		v /= 100
	case v > 1:
		return fmt.Errorf("%q is above 1%s", text, writePercent(text))
	}
	*s = share(v)
	return nil
}

// writePercent returns what to write in place of a share without a unit, if that may be a percentage.
func writePercent(text string) string {
	if v, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && v >= 1 && v <= 100 {
		return fmt.Sprintf(": write %s%%", strings.TrimSpace(text))
	}
	return ""
}
