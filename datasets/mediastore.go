package datasets

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"github.com/seed-307b789f/xk6-llm/internal/media"
)

// keptBytes bounds the new files that are kept: those made ahead, and those that a model server may fetch. A file that
// is left out is made again when it is needed. Files of a pool and of prefixes are kept for good.
const keptBytes = 256 << 20

// mediaStore makes media and keeps them. It may be used concurrently.
type mediaStore struct {
	solid         bool
	bytesPerPixel float64
	seed          int64
	host          MediaHost

	mu     sync.Mutex
	kept   map[mediaFile]*storedMedia
	recent list.List // of mediaFile, those used last in front; without those that come again
	bytes  int64     // of recent
	again  int64     // bytes of those that come again
}

// storedMedia is a medium that is made once.
type storedMedia struct {
	once  sync.Once
	media *Media
	files [][]byte // nil unless a host serves them
	err   error
	size  int64
	place *list.Element // nil for files that come again
}

func newMediaStore(o *MediaOptions) *mediaStore {
	return &mediaStore{solid: o.Solid, bytesPerPixel: o.BytesPerPixel, seed: o.Seed, host: o.Host,
		kept: map[mediaFile]*storedMedia{}}
}

// get returns a medium, and makes it if it is not kept. Those that come again are kept for good.
func (s *mediaStore) get(f mediaFile, again bool) (*Media, error) {
	m := s.entry(f, again)
	m.once.Do(func() { s.make(f, m) })
	return m.media, m.err
}

// take returns a medium that is not needed again, unless a host serves it, and whether it was made ahead.
func (s *mediaStore) take(f mediaFile) (made *Media, ahead bool, err error) {
	s.mu.Lock()
	_, ahead = s.kept[f]
	s.mu.Unlock()
	made, err = s.get(f, false)
	if s.host == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(f)
	}
	return made, ahead, err
}

func (s *mediaStore) entry(f mediaFile, again bool) *storedMedia {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.kept[f]
	if m == nil {
		m = &storedMedia{}
		if !again {
			m.place = s.recent.PushFront(f)
		}
		s.kept[f] = m
	} else if m.place != nil {
		s.recent.MoveToFront(m.place)
	}
	return m
}

// drop forgets a file.
func (s *mediaStore) drop(f mediaFile) {
	if m := s.kept[f]; m != nil && m.place != nil {
		s.recent.Remove(m.place)
		s.bytes -= m.size
		delete(s.kept, f)
	}
}

// make makes the files of an entry.
func (s *mediaStore) make(f mediaFile, m *storedMedia) {
	files, err := s.encode(f)
	if err != nil {
		m.err = fmt.Errorf("making %s: %w", f.describe(), err)
		return
	}
	made := &Media{Kind: f.kind, Format: f.format, Width: f.width, Height: f.height, Frames: f.frames,
		Seconds: f.seconds, ID: s.name(f, 0)[:16]}
	size := int64(0)
	for i, file := range files {
		made.Bytes += int64(len(file))
		if s.host == nil {
			made.Files = append(made.Files, base64.StdEncoding.EncodeToString(file))
			size += int64(len(made.Files[i]))
			continue
		}
		url, err := s.host.Add(s.hosted(f, i, m.place != nil))
		if err != nil {
			m.err = err
			return
		}
		made.URLs = append(made.URLs, url)
		size += int64(len(file))
	}
	if s.host != nil {
		m.files = files
	}
	m.media = made
	s.account(f, m, size)
}

// account adds the size of an entry, and forgets the files that were not used for the longest time.
func (s *mediaStore) account(f mediaFile, m *storedMedia, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.place == nil:
		s.again += size
		return
	case s.kept[f] != m:
		return
	}
	m.size = size
	s.bytes += size
	for s.bytes > keptBytes && s.recent.Len() > 1 {
		s.drop(s.recent.Back().Value.(mediaFile))
	}
}

// bytesForGood returns how much memory the files take that are kept for good.
func (s *mediaStore) bytesForGood() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again
}

// hosted returns a file for the host, which makes it again if it is no longer kept.
func (s *mediaStore) hosted(f mediaFile, number int, once bool) HostedFile {
	mime, end := f.mime()
	name := s.name(f, number) + end
	return HostedFile{Name: name, Type: mime, Kind: f.kind, Once: once, Open: func() ([]byte, error) {
		s.mu.Lock()
		m := s.kept[f]
		s.mu.Unlock()
		if m != nil {
			m.once.Do(func() { s.make(f, m) })
			return m.file(number)
		}
		files, err := s.encode(f)
		if err != nil {
			return nil, err
		}
		return files[number], nil
	}}
}

func (m *storedMedia) file(number int) ([]byte, error) {
	if m.err != nil {
		return nil, m.err
	}
	return m.files[number], nil
}

// name returns the name of a file, which only who knows the seeds can tell.
func (s *mediaStore) name(f mediaFile, number int) string {
	text := fmt.Appendf(nil, "%d %+v %d %v %v ", s.seed, f, number, s.solid, s.bytesPerPixel)
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(text, f.seed))
	return hex.EncodeToString(sum[:16])
}

// mime returns the media type of a file, and the end of its name.
func (f mediaFile) mime() (mime, end string) {
	_, mime = (&Media{Kind: f.kind, Format: f.format}).PartType()
	_, end, _ = strings.Cut(mime, "/")
	return mime, "." + end
}

// describe names a medium in messages.
func (f mediaFile) describe() string {
	return fmt.Sprintf("1 %s (%s)", mediaNames[f.kind][0], f.size())
}

// encode makes the files of a medium.
func (s *mediaStore) encode(f mediaFile) ([][]byte, error) {
	content := media.Noise
	if s.solid {
		content = media.Solid
	}
	switch f.kind {
	case Audio:
		return one(media.Sound{Seconds: f.seconds, Content: content, Seed: f.seed}.Encode())
	case Image:
		return one(media.Picture{Width: f.width, Height: f.height, Format: f.format, Content: content,
			BytesPerPixel: s.bytesPerPixel, Seed: f.seed}.Encode())
	}
	clip := media.Clip{Width: f.width, Height: f.height, Frames: f.frames, FPS: framesPerSecond, Content: content,
		BytesPerPixel: s.bytesPerPixel, Seed: f.seed}
	switch f.format {
	case "png_frames":
		return clip.Images(media.PNG)
	case "jpeg_frames":
		return clip.Images(media.JPEG)
	}
	return one(clip.Encode())
}

func one(file []byte, err error) ([][]byte, error) {
	if err != nil {
		return nil, err
	}
	return [][]byte{file}, nil
}
