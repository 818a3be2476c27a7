package cli

import (
	"strings"
	"testing"
)

func TestShareFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]share{"5%": 0.05, "0.05": 0.05, " 95 % ": 0.95, "1": 1, "150%": 1.5, "0": 0} {
		var got share
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"95": `"95" is above 1: write 95%`, "5": "write 5%", "x": "no share",
		"": "no share", "%": "no share", "NaN": "no share", "inf%": "no share", "500": `"500" is above 1`} {
		var got share
		if err := got.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
	}
}
