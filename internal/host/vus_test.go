package host

import (
	"strings"
	"testing"
)

func TestVUsFitIntoMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		vus, streams, left int64
		warning, err       string
	}{
		{1000, 0, 0, "", ""}, // not known
		{400, 0, 105e6, "", ""},
		{8, 1500, 105e6, "", ""},
		{8, 2000, 105e6, "2008 requests in flight take some 101 MB of memory, and 105 MB are left: have fewer", ""},
		{1000, 0, 105e6, "",
			"1000 VUs take some 120 MB of memory before they send anything, and 105 MB are left: have fewer"},
		{1000, 0, 190e6, "1000 VUs take some 160 MB of memory when each has a stream, and 190 MB are left: have fewer",
			""},
		{1000, 0, 210e6, "", ""},
		{200_000, 0, 1.5e9, "", "200000 VUs take some 24000 MB"},
		{1, 0, 1, "", "1 VUs take"},
	} {
		warning, err := checkMemory(tt.vus, tt.streams, tt.left)
		if !strings.HasPrefix(warning, tt.warning) || (warning == "") != (tt.warning == "") {
			t.Errorf("%d VUs, %d bytes: got warning %q, want %q", tt.vus, tt.left, warning, tt.warning)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%d VUs, %d bytes: got %v, want %q", tt.vus, tt.left, err, tt.err)
		}
	}
}
