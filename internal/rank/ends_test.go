package rank

import "testing"

func TestEnds(t *testing.T) {
	t.Parallel()
	if _, _, known := Ends(nil); known {
		t.Error("no values have ends")
	}
	for _, tt := range []struct {
		values      []float64
		first, last float64
	}{
		{[]float64{3}, 3, 3}, {[]float64{9, 1}, 9, 1}, {[]float64{9, 5, 7, 1, 1, 1, 1, 4, 2}, 9, 4},
		{[]float64{9, 5, 7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 2, 4}, 7, 3},
	} {
		if first, last, known := Ends(tt.values); first != tt.first || last != tt.last || !known {
			t.Errorf("%v: got %v and %v, want %v and %v", tt.values, first, last, tt.first, tt.last)
		}
	}
}
