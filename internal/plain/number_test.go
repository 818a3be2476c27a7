package plain

import "testing"

func TestGrouped(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-999": "-999",
		"-123456": "-123,456", "1234567": "1,234,567", "": ""} {
		if got := Grouped(number, ","); got != want {
			t.Errorf("%q: got %q, want %q", number, got, want)
		}
	}
}
