package arrival

import (
	"slices"
	"strings"
	"testing"
)

func TestReadTrace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		want       []float64
	}{
		{"Azure's", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n\n2023-11-17 18:17:03.97996,1,2\n", []float64{0, 0.052, 86400}},
		{"with T and zone", "2024-05-10T00:00:00.5Z,1,2\n2024-05-10T02:00:00.75+02:00,1,2\n", []float64{0, 0.25}},
		{"seconds", "10\n10.5\n10.5\n", []float64{0, 0.5, 0.5}},
	} {
		got, err := ReadTrace(strings.NewReader(tt.file), "t.csv")
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	for file, want := range map[string]string{
		"":                    "t.csv: no instant in it",
		"TIMESTAMP\n":         "t.csv: no instant in it",
		"1\nx\n":              `t.csv:2: "x" is neither a time`,
		"h\n2\n1\n":           `t.csv:3: "1" comes before the line ahead of it`,
		"1\n\"x\n":            "t.csv: ",
		"1\nNaN\n":            `t.csv:2: "NaN" is neither`,
		"2023-13-45 1:1:1\n5": "",
	} {
		_, err := ReadTrace(strings.NewReader(file), "t.csv")
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", file, err, want)
		}
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add("TIMESTAMP,a\n2023-11-16 18:17:03.9799600,4808\n2023-11-16 18:17:04,1\n")
	f.Add("1\n2.5\n")
	f.Fuzz(func(t *testing.T, file string) {
		seconds, err := ReadTrace(strings.NewReader(file), "f")
		if err == nil && (len(seconds) == 0 || seconds[0] != 0 || !slices.IsSorted(seconds)) {
			t.Errorf("%q gives %v", file, seconds)
		}
	})
}
