package datasets

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// small is an image that is made at once.
func small(width int) []Weighted[Resolution] {
	return []Weighted[Resolution]{{Resolution{width, 4}, 1}}
}

func multimodal(t testing.TB, set Set, o MediaOptions) *Multimodal {
	t.Helper()
	m, err := NewMultimodal(set, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func itemAt(t testing.TB, set Set, i int64) Item {
	t.Helper()
	item, err := set.At(i)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// files returns the files of an item, in their order.
func files(item Item) (all []string) {
	for _, p := range item.Parts {
		if p.Media != nil {
			all = append(all, p.Media.Files...)
		}
	}
	return all
}

// shape tells the parts of an item: texts as they are, and media by kind and size.
func shape(item Item) string {
	var b strings.Builder
	for _, p := range item.Parts {
		if p.Media == nil {
			fmt.Fprintf(&b, "%q ", p.Text)
			continue
		}
		fmt.Fprintf(&b, "%s-%dx%d-%v-%d ", p.Media.Format, p.Media.Width, p.Media.Height, p.Media.Seconds,
			len(p.Media.Files))
	}
	return strings.TrimSpace(b.String())
}

func TestMediaOfItems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mix  MediaMix
		want string // of "mock prompt 1"
	}{
		{MediaMix{Image: &ImageMix{Count: Constant(1), Format: "png", Resolutions: small(5)}}, `png-5x4-0-1 "mock prompt 1"`},
		{MediaMix{Image: &ImageMix{Count: Constant(2), Format: "jpeg", Resolutions: small(5), Place: Place{At: 1}}},
			`"mock prompt 1" jpeg-5x4-0-1 jpeg-5x4-0-1`},
		{MediaMix{Image: &ImageMix{Count: Constant(0), Format: "png"}}, ""},
		{MediaMix{
			Image: &ImageMix{Count: Constant(1), Format: "webp", Resolutions: small(7), Place: Place{At: 0.5}},
			Audio: &AudioMix{Count: Constant(1), Place: Place{At: 0.5},
				Durations: []Weighted[float64]{{0.5, 0}, {9, 0}}},
		}, `"mock p" webp-7x4-0-1 wav-0x0-0.5-1 "rompt 1"`}, // no weight is above 0: the first
		{MediaMix{Audio: &AudioMix{Count: Constant(1)}}, `wav-0x0-1-1 "mock prompt 1"`},
	} {
		m := multimodal(t, Mock{}, MediaOptions{Each: &tt.mix})
		item := itemAt(t, m, 0)
		if got := shape(item); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
		if len(item.Messages) != 1 || item.Messages[0].Content != "mock prompt 1" {
			t.Errorf("messages %+v", item.Messages)
		}
	}
}

// The media of item i are the same whichever items were drawn before, and others with another seed or salt. Without a
// salt, sizes and places stay.
func TestMediaDependOnTheNumberAlone(t *testing.T) {
	t.Parallel()
	o := MediaOptions{Seed: 3, Pool: MediaPool{Size: 3, Reuse: 0.5}, Each: &MediaMix{Image: &ImageMix{
		Format: "png", Count: Distribution{Type: Uniform, Min: 1, Max: 3}, Place: Place{Anywhere: true},
		Resolutions: []Weighted[Resolution]{{Resolution{5, 5}, 1}, {Resolution{6, 6}, 2}},
	}}}
	forwards, backwards := multimodal(t, Mock{}, o), multimodal(t, Mock{}, o)
	seeded := o
	seeded.Seed++
	other := multimodal(t, Mock{}, seeded)
	salted, err := forwards.WithSalt("x")
	if err != nil {
		t.Fatal(err)
	}
	const n = 30
	want, sameFiles, sameShapes := make([]Item, n), 0, 0
	for i := range int64(n) {
		want[i] = itemAt(t, forwards, i)
	}
	for i := int64(n - 1); i >= 0; i-- {
		a := want[i]
		if b := itemAt(t, backwards, i); shape(a) != shape(b) || !slices.Equal(files(a), files(b)) {
			t.Errorf("item %d: %s and %s", i, shape(a), shape(b))
		}
		if b := itemAt(t, salted, i); shape(a) != shape(b) || slices.Equal(files(a), files(b)) {
			t.Errorf("item %d: %s, with a salt %s", i, shape(a), shape(b))
		}
		b := itemAt(t, other, i)
		if shape(a) == shape(b) {
			sameShapes++
		}
		if slices.Equal(files(a), files(b)) {
			sameFiles++
		}
	}
	if sameFiles > 0 || sameShapes > n/2 {
		t.Errorf("with another seed, %d items have the same files, and %d the same form", sameFiles, sameShapes)
	}
}

// Of n media, the share of files that were sent before is the one asked for, to within the files of the pool; what is
// new is sent once; and each file of the pool comes about equally often.
func TestShareOfThePool(t *testing.T) {
	t.Parallel()
	for _, reuse := range []float64{0, 0.3, 0.9, 1} {
		const n, size, each = 1500, 10, 2
		m := multimodal(t, Mock{}, MediaOptions{Seed: 5, Pool: MediaPool{Size: size, Reuse: reuse}, Each: &MediaMix{
			Image: &ImageMix{Count: Constant(each), Format: "png", Resolutions: []Weighted[Resolution]{
				{Resolution{16, 16}, 1}}},
		}})
		times := map[uint64]int{}
		for i := range int64(n) {
			for _, d := range m.each.draw(i) {
				times[d.file.seed]++
			}
		}
		again, once := 0, 0
		for _, k := range times {
			if k > 1 {
				again += k
				if mean := reuse * n * each / size; math.Abs(float64(k)-mean) > 5*math.Sqrt(mean) {
					t.Errorf("reuse %v: a file came %d times, want about %v", reuse, k, mean)
				}
			} else {
				once++
			}
		}
		if want := reuse * n * each; math.Abs(float64(again)-want) > 4 {
			t.Errorf("reuse %v: %d media are of the pool, want %v", reuse, again, want)
		}
		if once+again != n*each || reuse > 0 && len(times)-once != size {
			t.Errorf("reuse %v: %d files, %d of them once", reuse, len(times), once)
		}
	}
}

func TestWeightsOfMedia(t *testing.T) {
	t.Parallel()
	m := multimodal(t, Mock{}, MediaOptions{Each: &MediaMix{Image: &ImageMix{
		Count: Constant(1), Format: "png",
		Resolutions: []Weighted[Resolution]{{Resolution{1, 1}, 1}, {Resolution{2, 2}, 0}, {Resolution{3, 3}, 3}},
	}}})
	times := map[int]int{}
	const n = 4000
	for i := range int64(n) {
		times[m.each.draw(i)[0].file.width]++
	}
	if times[2] != 0 || math.Abs(float64(times[1])-n/4) > 150 {
		t.Errorf("got %v", times)
	}
}

// The prefix of a group has the same media in all requests, those of groups differ, and questions have their own.
func TestMediaOfPrefixes(t *testing.T) {
	t.Parallel()
	set, err := NewSharedPrefix(SharedPrefix{Tokenizer: spaced{}, Seed: 1, Groups: 2, Questions: 2,
		System: Constant(6), Question: Constant(4), Output: Constant(3)})
	if err != nil {
		t.Fatal(err)
	}
	m := multimodal(t, set, MediaOptions{
		Prefix: &MediaMix{Image: &ImageMix{Count: Constant(1), Format: "png", Resolutions: small(5)}},
		Each:   &MediaMix{Audio: &AudioMix{Count: Constant(1), Place: Place{At: 1}}},
	})
	prefixes, questions := map[string]string{}, map[string]bool{}
	for i := range int64(8) {
		item := itemAt(t, m, i)
		plain, err := set.split(i)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("png-5x4-0-1 %q wav-0x0-1-1", plain.prompt); shape(item) != want {
			t.Fatalf("item %d: %s, want %s", i, shape(item), want)
		}
		if item.MaxTokens != 3 || len(item.Messages) != 1 || item.Messages[0].Role != "user" {
			t.Errorf("item %d: %+v", i, item.Messages)
		}
		f := files(item)
		if before := prefixes[plain.prefix]; before != "" && before != f[0] {
			t.Errorf("item %d: another image in the same prefix", i)
		}
		prefixes[plain.prefix] = f[0]
		questions[f[1]] = true
	}
	if len(prefixes) != 2 || len(questions) != 8 {
		t.Errorf("%d prefixes and %d questions", len(prefixes), len(questions))
	}
	if a, b := itemAt(t, m, 0), itemAt(t, m, 4); a.Messages[0].Content != b.Messages[0].Content {
		t.Errorf("the questions do not begin again")
	}
	if _, err := NewMultimodal(Mock{}, MediaOptions{Prefix: m.options.Prefix}); err == nil {
		t.Error("media of prefixes without prefixes")
	}
}

// Files that come again must fit into the memory. What surely fits is not made to learn that.
func TestMemoryOfMedia(t *testing.T) {
	t.Parallel()
	images := func(side int) *MediaMix {
		return &MediaMix{Image: &ImageMix{Count: Constant(1), Format: "png",
			Resolutions: []Weighted[Resolution]{{Resolution{side, side}, 1}}}}
	}
	_, err := NewMultimodal(Mock{}, MediaOptions{Each: images(1024), Pool: MediaPool{Size: 1 << 16, Reuse: 1}})
	if err == nil || !strings.Contains(err.Error(), "GB of memory, and at most 8 are allowed: choose a smaller pool") {
		t.Errorf("got %v", err)
	}
	_, err = NewMultimodal(Mock{}, MediaOptions{Each: images(64), Pool: MediaPool{Size: 1 << 16, Reuse: 1}})
	if err != nil {
		t.Errorf("small images: %v", err)
	}
}

// inference-perf draws places as whole numbers, of which the upper has three quarters of the weight.
func TestOriginalPlaces(t *testing.T) {
	t.Parallel()
	for _, original := range []bool{false, true} {
		o := MediaOptions{Original: original, Each: &MediaMix{Audio: &AudioMix{Count: Constant(1),
			Place: Place{Drawn: &Distribution{Type: Uniform, Max: 1}}}}}
		d, between, sum := newDrawer(o.Each, &o, "p", MediaPool{}), 0, 0.0
		const n = 2000
		for i := range int64(n) {
			at := d.draw(i)[0].place
			if sum += at; at != 0 && at != 1 {
				between++
			}
		}
		want := map[bool]float64{false: 0.5, true: 0.75}[original]
		if (between > 0) == original || math.Abs(sum/n-want) > 0.05 {
			t.Errorf("original %t: %d within the text, a mean of %v", original, between, sum/n)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	a, b := &Media{Format: "a"}, &Media{Format: "b"}
	text := func(s string) Part { return Part{Text: s} }
	for _, tt := range []struct {
		prefix, rest []Part
		want         string
	}{
		{nil, []Part{text("q")}, "[q]"},
		{[]Part{text("p")}, nil, "[p]"},
		{[]Part{{Media: a}, text("p")}, []Part{text("q"), {Media: b}}, "a [p q] b"},
		{[]Part{text("p"), {Media: a}}, []Part{{Media: b}, text("q")}, "[p] a [ ] b [q]"},
		{[]Part{text("p"), {Media: a}}, []Part{text("q")}, "[p] a [ ] [q]"},
		{[]Part{text("p")}, []Part{{Media: b}}, "[p] [ ] b"},
	} {
		if got := written(join(tt.prefix, tt.rest)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// Media are made once, whoever asks, and before the load where it is prepared.
func TestPrepareMakesThePool(t *testing.T) {
	t.Parallel()
	m := multimodal(t, Mock{}, MediaOptions{Pool: MediaPool{Size: 5, Reuse: 0.5}, Each: &MediaMix{
		Image: &ImageMix{Count: Constant(1), Format: "png", Resolutions: append(small(5), small(6)...)}}})
	told := 0
	made, err := m.Prepare(context.Background(), func(done, all int) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if made.Pool != 10 || made.Memory == 0 || made.Bytes == 0 || made.Most < int64(made.Bytes) || told < 10 {
		t.Errorf("got %+v, told %d times", made, told)
	}
	if got := m.Describe(); got != "1 image (png, 5 × 4 or png, 6 × 4)" {
		t.Errorf("got %s", got)
	}
	var all sync.Map
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range int64(40) {
				item, err := m.At(i)
				if err != nil {
					t.Error(err)
					return
				}
				for _, p := range item.Parts {
					if p.Media != nil && m.each.draw(i)[0].pooled {
						if before, known := all.LoadOrStore(p.Media.Files[0], p.Media); known && before != p.Media {
							t.Error("a file of the pool was made twice")
						}
					}
				}
			}
		})
	}
	group.Wait()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := multimodal(t, Mock{}, m.options).Prepare(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The new files of the next items are made while those before are sent.
func TestNewFilesAreMadeAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, newFilesAreMadeAhead)
}

func newFilesAreMadeAhead(t *testing.T) {
	m := multimodal(t, Mock{}, MediaOptions{Each: &MediaMix{
		Image: &ImageMix{Count: Constant(1), Format: "png", Resolutions: small(5)}}})
	const stride = 3 // of an instance
	for i := range int64(4) {
		m.ahead.passed(i * stride)
	}
	synctest.Wait()
	for i := range int64(20) {
		m.store.mu.Lock()
		_, made := m.store.kept[m.each.draw(i)[0].file]
		m.store.mu.Unlock()
		if want := i > 9 && i%stride == 0; made != want && i > 9 {
			t.Errorf("item %d: made ahead %v, want %v", i, made, want)
		}
	}
	for i := int64(12); i < 200; i += stride {
		itemAt(t, m, i)
	}
	synctest.Wait()
	if m.store.bytes < 0 || m.store.recent.Len() > aheadItems+1 {
		t.Errorf("%d files of %d bytes are kept", m.store.recent.Len(), m.store.bytes)
	}
}

// spaced is a tokenizer whose tokens are words between spaces.
type spaced struct{}

func (spaced) Count(text string) int        { return len(strings.Fields(text)) }
func (spaced) CountSpecial(text string) int { return len(strings.Fields(text)) }
func (spaced) Words(int) ([]string, error) {
	return strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi"), nil
}
