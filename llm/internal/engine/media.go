package engine

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// takeMedia finds the media among messages that a script or a file has written.
func (p *Process) takeMedia(r *client.Request) {
	if r.Media != nil || !api.HasParts(r.Messages) {
		return
	}
	messages, blobs := cutBlobs(r.Messages)
	facts := p.media.facts(messages, blobs)
	if facts != nil {
		r.Messages, r.Media = messages, &client.Media{Blobs: blobs, Facts: facts}
	}
}

// minBlob is the length in base64 from which a file in messages becomes a blob.
const minBlob = 1 << 10

// cutBlobs returns messages with marks in place of the files in data URLs and in members with the name data.
func cutBlobs(messages json.RawMessage) (short json.RawMessage, blobs []string) {
	const sign = `"data`
	rest := string(messages)
	for len(blobs) < api.MaxBlobs {
		at := strings.Index(rest, sign)
		if at < 0 {
			break
		}
		begin, end := blobAt(rest, at+len(sign))
		if at > 0 && rest[at-1] == '\\' || end-begin < minBlob { // a quote inside a text
			short, rest = append(short, rest[:at+len(sign)]...), rest[at+len(sign):]
			continue
		}
		short = api.AppendBlob(append(short, rest[:begin]...), len(blobs))
		blobs, rest = append(blobs, rest[begin:end]), rest[end:]
	}
	return append(short, rest...), blobs
}

// maxMime is more than the length of what stands before the file in a data URL.
const maxMime = 200

// blobAt returns where a file in base64 begins and ends of which the text has come up to the word data.
func blobAt(text string, at int) (begin, end int) {
	switch rest := text[at:]; {
	case strings.HasPrefix(rest, `":"`):
		begin = at + len(`":"`)
	case strings.HasPrefix(rest, ":"):
		const base64 = ";base64,"
		mime := strings.Index(rest[:min(len(rest), maxMime)], base64)
		if mime < 0 {
			return at, at
		}
		begin = at + mime + len(base64)
	default:
		return at, at
	}
	length := strings.IndexByte(text[begin:], '"')
	if length < 0 || strings.ContainsFunc(text[begin:begin+min(length, minBlob)], notBase64) ||
		strings.IndexByte(text[begin:begin+length], '\\') >= 0 {
		return at, at
	}
	return begin, begin + length
}

func notBase64(r rune) bool {
	return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '+' && r != '/' && r != '=' && r != '-' &&
		r != '_'
}

// seenMedia keeps what was read of files, which scripts send again and again. The zero value is empty.
type seenMedia struct {
	mu   sync.Mutex
	seen map[mediaKey]record.Media
}

type mediaKey struct {
	kind, format string
	file         uint64
}

// fileSeed is that of the hashes of files.
var fileSeed = maphash.MakeSeed()

// maxSeen bounds the files kept.
const maxSeen = 1 << 16

// facts returns what a record says of the media in messages.
func (s *seenMedia) facts(messages json.RawMessage, blobs []string) (all []record.Media) {
	api.EachPart(messages, func(part gjson.Result) bool {
		if m, is := api.ReadMedia(part); is {
			all = append(all, s.read(m, blobs))
		}
		return true
	})
	return all
}

// learn keeps what is known of the files of a data set that servers fetch, so that a record says it of the items that a
// script sends.
func (s *seenMedia) learn(parts []datasets.Part) {
	for i := range parts {
		m := parts[i].Media
		if m == nil || m.URLs == nil {
			continue
		}
		facts, n := mediaOf(parts[i : i+1])[0], int64(len(m.URLs))
		if format, frames := strings.CutSuffix(m.Format, "_frames"); frames { // the script sends images
			facts = record.Media{Kind: record.MediaImage, Format: format, Width: m.Width, Height: m.Height, URL: true}
		}
		for k, url := range m.URLs {
			facts.Bytes = m.Bytes*int64(k+1)/n - m.Bytes*int64(k)/n // the sum is right
			s.keep(mediaKey{file: maphash.String(fileSeed, url)}, facts)
		}
	}
}

// keep keeps what is known of a file.
func (s *seenMedia) keep(key mediaKey, facts record.Media) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxSeen {
		s.seen = map[mediaKey]record.Media{}
	}
	s.seen[key] = facts
}

func (s *seenMedia) find(key mediaKey) (facts record.Media, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	facts, known = s.seen[key]
	return facts, known
}

// read returns what a record says of a part.
func (s *seenMedia) read(m api.Media, blobs []string) record.Media {
	if m.URL {
		if facts, known := s.find(mediaKey{file: maphash.String(fileSeed, m.File)}); known {
			return facts
		}
		return record.Media{Kind: m.Kind, URL: true}
	}
	file := m.File
	if _, _, i := api.NextBlob([]byte(file)); i >= 0 && i < len(blobs) {
		file = blobs[i]
	}
	key := mediaKey{m.Kind, m.Format, maphash.String(fileSeed, file)}
	if found, known := s.find(key); known {
		return found
	}
	found := readFile(m, file)
	s.keep(key, found)
	return found
}

// headSize is the part of an image, in base64, that normally tells its size.
const headSize = 64 << 10

// readFile returns what a file in base64 tells.
func readFile(m api.Media, file string) record.Media {
	file = strings.TrimRight(file, "=")
	r := record.Media{Kind: m.Kind, Format: m.Format, Bytes: int64(base64.RawStdEncoding.DecodedLen(len(file)))}
	sum := sha256.Sum256([]byte(file))
	r.ID = hex.EncodeToString(sum[:8])
	switch m.Kind {
	case record.MediaImage:
		format, width, height, err := media.ReadImage(decode(file[:min(len(file), headSize)]))
		if err != nil && len(file) > headSize {
			format, width, height, err = media.ReadImage(decode(file))
		}
		if err == nil {
			r.Format, r.Width, r.Height = format, width, height
		}
	case record.MediaVideo:
		if width, height, frames, seconds, err := media.ReadVideo(decode(file)); err == nil {
			r.Width, r.Height, r.Frames, r.Seconds = width, height, frames, seconds
		}
	case record.MediaAudio:
		sound := media.NewSoundReader(m.Format, 0, 0)
		sound.Add(decode(file))
		r.Seconds = sound.Seconds()
	}
	return r
}

// decode returns the bytes of base64 without padding, in either alphabet, up to the first fault.
func decode(text string) []byte {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	data := make([]byte, encoding.DecodedLen(len(text)))
	n, _ := encoding.Decode(data, []byte(text))
	return data[:n]
}

// estimate writes how many tokens the model makes of each of a request's media, where its rule is known: that of the
// first of the names that has one.
func (p *Process) estimate(m *client.Media, models ...string) {
	if m == nil || len(m.Facts) == 0 {
		return
	}
	rule, known := p.rule(models[0])
	for _, model := range models[1:] {
		if !known {
			rule, known = p.rule(model)
		}
	}
	if !known {
		return
	}
	for i := range m.Facts {
		f := &m.Facts[i]
		switch {
		case f.Kind == record.MediaImage && f.Width > 0:
			f.Tokens = rule.Image(f.Width, f.Height)
		case f.Kind == record.MediaVideo && strings.HasSuffix(f.Format, "_frames"): // sent as pictures
			f.Tokens = f.Frames * rule.Image(f.Width, f.Height)
		case f.Kind == record.MediaVideo && f.Frames > 0:
			f.Tokens = rule.Video(f.Width, f.Height, f.Frames)
		case f.Kind == record.MediaAudio && f.Seconds > 0:
			f.Tokens = rule.Audio(f.Seconds)
		}
	}
}

// knownRule is a model's rule, if it has one.
type knownRule struct {
	media.Rule
	known bool
}

// rule returns the rule of a model, which is looked for once.
func (p *Process) rule(model string) (media.Rule, bool) {
	found, has := p.rules.Load(model)
	if !has {
		rule, known := media.RuleFor(model)
		found, _ = p.rules.LoadOrStore(model, knownRule{rule, known})
	}
	r, _ := found.(knownRule)
	return r.Rule, r.known
}

// checkMedia returns an error if an API has no form for the media of the items.
func (s *Set) checkMedia(d api.Dialect) error {
	for _, kind := range s.media {
		if err := api.CheckMedia(d, kind); err != nil {
			return err
		}
	}
	return nil
}

// checkMedia returns an error if the API has no form for media that a script has put into its messages.
func (c *Call) checkMedia() error {
	if c.Dialect.Input() != api.InputMessages || c.Media == nil {
		return nil
	}
	for i := range c.Media.Facts {
		f := &c.Media.Facts[i]
		if strings.HasSuffix(f.Format, "_frames") { // images
			continue
		}
		if err := api.CheckMedia(c.Dialect, f.Kind); err != nil {
			return err
		}
	}
	return nil
}
