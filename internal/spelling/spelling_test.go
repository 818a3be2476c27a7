package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"ttft", "tpot", "request_latency", "on"}
	for name, want := range map[string]string{
		"tftf":                           "ttft",
		"TPOT":                           "tpot",
		"request_latancy":                "request_latency",
		"requst-latncy":                  "request_latency",
		"nonsense":                       "",
		"":                               "",
		"ab":                             "",
		"foo":                            "", // two of three letters changed are another name
		"onn":                            "on",
		strings.Repeat("ttft", 20):       "",
		"request_latency_milliseconds_x": "",
	} {
		if got, found := Nearest(name, known); got != want && found || found != (want != "") {
			t.Errorf("%q: got %q, %t, want %q", name, got, found, want)
		}
	}
	if _, found := Nearest("ttft", nil); found {
		t.Error("found a name where none is known")
	}
}
