package datasets

import (
	"strings"
	"sync"
	"testing"
)

// hostOfTest is a host that serves nothing.
type hostOfTest struct{ files sync.Map }

func (h *hostOfTest) Add(f HostedFile) (string, error) {
	h.files.Store(f.Name, f)
	return "http://h/" + f.Name, nil
}

// A host's files have names that depend on the seeds, and are the files that requests would have.
func TestHostedMedia(t *testing.T) {
	t.Parallel()
	o := MediaOptions{Seed: 1, Each: &MediaMix{
		Image: &ImageMix{Count: Constant(1), Format: "jpeg", Resolutions: small(9)}}}
	inside := files(itemAt(t, multimodal(t, Mock{}, o), 2))
	names := map[string]bool{}
	for range 2 {
		host := &hostOfTest{}
		o.Host = host
		m := multimodal(t, Mock{}, o)
		medium := itemAt(t, m, 2).Parts[0].Media
		name, _ := strings.CutPrefix(medium.URLs[0], "http://h/")
		names[name] = true
		f, _ := host.files.Load(name)
		file := f.(HostedFile)
		for range 2 { // kept, and made again
			data, err := file.Open()
			if err != nil || int64(len(data)) != medium.Bytes || len(inside[0]) != (len(data)+2)/3*4 {
				t.Fatalf("%d bytes, %v", len(data), err)
			}
			m.store.mu.Lock()
			clear(m.store.kept)
			m.store.mu.Unlock()
		}
		if !file.Once || file.Type != "image/jpeg" || !strings.HasSuffix(name, ".jpeg") || len(name) != 37 ||
			medium.Files != nil {
			t.Errorf("got %s %s", file.Type, name)
		}
	}
	if len(names) != 1 {
		t.Errorf("got %v", names)
	}
}

// Files of the pool and of prefixes come again: a host must not forget them.
func TestHostedMediaThatComeAgain(t *testing.T) {
	t.Parallel()
	host := &hostOfTest{}
	o := MediaOptions{Host: host, Pool: MediaPool{Size: 2, Reuse: 0.5}, Each: &MediaMix{
		Image: &ImageMix{Count: Constant(1), Format: "png", Resolutions: small(9)}}}
	m := multimodal(t, Mock{}, o)
	for i := range int64(20) {
		itemAt(t, m, i)
	}
	again, once := 0, 0
	host.files.Range(func(_, f any) bool {
		if f.(HostedFile).Once {
			once++
		} else {
			again++
		}
		return true
	})
	if again != 2 || once < 9 {
		t.Errorf("%d files come again, and %d once", again, once)
	}
}
