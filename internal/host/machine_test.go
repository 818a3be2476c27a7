package host

import "testing"

func TestCPUModel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R)  Xeon(R) CPU\nmodel name\t: other\n": "Intel(R) " +
			"Xeon(R) CPU",
		"processor : 0\nBogoMIPS : 50\n\nModel : Raspberry Pi 5\n": "Raspberry Pi 5",
		"processor : 0\n": "",
		"":                "",
	} {
		if got := cpuModel(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
