package lifecycle

import (
	"errors"
	"testing"
)

func TestSucceeded(t *testing.T) {
	t.Parallel()
	type exit struct{ Error error }
	for _, tt := range []struct {
		name string
		data any
		want bool
	}{
		{"no error", exit{}, true},
		{"no error, by pointer", &exit{}, true},
		{"an error", &exit{errors.New("thresholds crossed")}, false},
		{"no data", nil, false},
		{"no pointer", (*exit)(nil), false},
		{"another struct", struct{ Code int }{}, false},
	} {
		if got := Succeeded(tt.data); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
