package instant

import "testing"

// times are texts of the usual form, and such as nearly have it.
var times = []string{
	"2023-11-16 18:17:03", "2023-11-16T18:17:03.9799600Z", "2024-05-10 00:00:00.009930+00:00",
	"2024-02-29 23:59:59-23:59", "2023-02-29 00:00:00", "2023-04-31 00:00:00",
	"2024-12-31 23:59:59.123456789+05:30", "2023-11-16 18:17:03.1234567891", "2023-11-16 18:17:03.",
	"2023-11-16 18:17:03.Z", "2023-11-16 24:17:03", "2023-11-16 18:60:03", "2023-11-16 18:17:60",
	"2023-00-16 18:17:03", "2023-11-00 18:17:03", "2023-11-16 18:17:03+24:00", "2023-11-16 18:17:03+0100",
	"0000-01-01 00:00:00", "2023-1a-16 18:17:03", "2023-11-16 18:17:03 Z", "2023-11-16 18:17:03,5",
	"2023-11-16x18:17:03", "2023-11-16 18:17:03+1:000",
}

// FuzzUsualTime reads times in the usual form: what usualTime accepts, time.Parse reads as the same time.
func FuzzUsualTime(f *testing.F) {
	for _, text := range times {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := usualTime(text)
		if !ok {
			return
		}
		if want, err := parseTime(text); err != nil || !got.Equal(want.time) {
			t.Errorf("%q: got %v, want %v, %v", text, got, want.time, err)
		}
	})
}

// The times of the traces that are largest are read without trying layouts.
func TestUsualTimeReadsAzure(t *testing.T) {
	t.Parallel()
	for i, text := range times[:4] {
		if _, ok := usualTime(text); !ok {
			t.Errorf("%d: %q is read slowly", i, text)
		}
	}
}

func BenchmarkLearn(b *testing.B) {
	for _, text := range []string{"2024-05-10 00:00:00.009930+00:00", "1700000000123"} {
		b.Run(text, func(b *testing.B) {
			var c Clock
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Learn(text, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
