package traffic

import (
	"reflect"
	"strings"
	"testing"
)

func TestCheckLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"chat": "", "team/a: ../b": "", strings.Repeat("ä", longestLabel): "",
		" ": "must not be empty", strings.Repeat("a", longestLabel+1): "at most 100 characters, this one has 101",
		"a\nb": `must not hold control characters, got "a\nb"`, "\xff": "must not hold control characters",
	} {
		err := CheckLabel(label)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", label, err, want)
		}
	}
}

// Two names that differ in case alone are one header.
func TestOverJoinsHeaders(t *testing.T) {
	t.Parallel()
	got := Class{Headers: map[string]string{"x-tier": "own"}}.Over(Class{Headers: map[string]string{"X-Tier": "other",
		"X-Team": "a"}}).Headers
	if want := map[string]string{"x-tier": "own", "X-Team": "a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
