package instant

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// relative reads the instants of a column, in any order, as times after the earliest.
func relative(texts []string, unit float64) ([]time.Duration, error) {
	var c Clock
	at := make([][2]time.Duration, len(texts))
	for i, text := range texts {
		r, err := c.Learn(text, unit)
		if err != nil {
			return nil, err
		}
		at[i] = [2]time.Duration{r.At, r.Swapped}
	}
	column := func(k int) (list []time.Duration) {
		for _, pair := range at {
			list = append(list, pair[k])
		}
		return list
	}
	dayFirst, err := c.Settle(func(dayFirst bool) bool {
		return slices.IsSorted(column(map[bool]int{true: 1}[dayFirst]))
	})
	if err != nil {
		return nil, err
	}
	list := column(map[bool]int{true: 1}[dayFirst])
	first := slices.Min(list)
	for i := range list {
		list[i] -= first
	}
	return list, nil
}

func TestClock(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, tt := range []struct {
		texts []string
		unit  float64
		want  []time.Duration
	}{
		{[]string{"2023-11-16 18:17:03.9799600", "2023-11-16T18:17:02.97996Z"}, 0, []time.Duration{s, 0}},
		{[]string{"2024-05-10 00:00:00.009930+00:00", "2024-05-10 02:00:01.009930+02:00"}, 0, []time.Duration{0, s}},
		{[]string{"10", "10.5", "9.25"}, 0, []time.Duration{750 * time.Millisecond, 1250 * time.Millisecond, 0}},
		{[]string{"27482", "30535"}, 1e3, []time.Duration{0, 3053 * time.Millisecond}},
		{[]string{"1700000000123", "1700000000122"}, 0, []time.Duration{time.Millisecond, 0}},
		{[]string{"1700000000000000001", "1700000000000000003"}, 0, []time.Duration{0, 2}},
		{[]string{"1700000000.25", "1700000001"}, 0, []time.Duration{0, 750 * time.Millisecond}},
		{[]string{"-1", "1"}, 0, []time.Duration{0, 2 * s}},
		{[]string{` "5" `, "'6'"}, 0, []time.Duration{0, s}},
		{[]string{"16/11/2023 18:17:04", "3/11/2023 18:17:03"}, 0, []time.Duration{13*24*time.Hour + s, 0}},
		{[]string{"11/3/2023 18:17:04", "11/16/2023 18:17:03"}, 0, []time.Duration{0, 13*24*time.Hour - s}},
		{[]string{"1/12/2023 10:00:00", "2/1/2023 10:00:00"}, 0, []time.Duration{0, 20 * 24 * time.Hour}},
		{[]string{"3/3/2023 10:00:00", "3/3/2023 09:00:00"}, 0, []time.Duration{time.Hour, 0}},
	} {
		if got, err := relative(tt.texts, tt.unit); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %v, %v, want %v", tt.texts, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		texts []string
		want  string
	}{
		{[]string{"noon"}, `"noon" is neither a time such as`},
		{[]string{"NaN"}, `"NaN" is neither`},
		{[]string{"5", "2023-11-16 18:17:03"}, "is not of the kind of the first"},
		{[]string{"2023-11-16 18:17:03", "5"}, "is not of the kind of the first"},
		{[]string{"1e300"}, "1e+300 is too large for an instant in seconds"},
		{[]string{"9223372036854775807"}, "is too large for an instant in nanoseconds"},
		{[]string{"4102444800000000000"}, ""}, // 2100 in nanoseconds
		{[]string{"1066-10-14 09:00:00"}, "is not of this age"},
		{[]string{"3/4/2023 10:00:00", "5/4/2023 10:00:00"}, "can be 4 March and 3 April"},
		{[]string{"13/4/2023 10:00:00", "4/13/2023 10:00:00"}, "differ in the order of day and month"},
		{[]string{"13/13/2023 10:00:00"}, "is neither a time"},
	} {
		_, err := relative(tt.texts, 0)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.texts, err, tt.want)
		}
	}
}

func FuzzClock(f *testing.F) {
	for _, text := range []string{
		"2023-11-16 18:17:03.97996", "1700000000123", "-0.5", "3/4/2023 10:00:00", "16.11.2023 18:17", "1e12", "x",
	} {
		f.Add(text, text, 0.0)
		f.Add(text, "5", 1e3)
	}
	f.Fuzz(func(t *testing.T, a, b string, unit float64) {
		if unit != 0 && unit != 1e3 {
			return
		}
		var c Clock
		first, err := c.Learn(a, unit)
		if err != nil {
			return
		}
		second, err := c.Learn(b, unit)
		if err != nil {
			return
		}
		if _, err := c.Settle(func(bool) bool { return false }); err != nil {
			return
		}
		for _, at := range []time.Duration{first.At, first.Swapped} {
			if after := second.At - at; math.Abs(after.Hours()) > 300*366*24 {
				t.Errorf("%q is %v after %q", b, after, a)
			}
		}
	})
}
