package client

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// sound takes the pieces of an answer that is sound, and keeps when each came and how much sound it brought. The sound
// itself is not kept.
type sound struct {
	reader *media.SoundReader
	bytes  int64  // of all pieces, headers and all
	head   []byte // the beginning of an answer that may be words in place of sound
	more   bool   // more came than head has
}

// together is how long after a chunk further sound counts as part of it, in microseconds. A server that sends as fast
// as the network takes it would otherwise fill the record with chunks of one instant: ten minutes of sound are in no
// more chunks than milliseconds pass. A player that is told of sound so much too early misses less than that.
const together = 1000

// maxHead bounds, in bytes, what is kept of an answer that may be words.
const maxHead = 8 << 10

// newSound returns what takes the answer to a request for speech.
func newSound(ask *api.Request) *sound {
	format := ask.Sound.SpeechFormat(ask.Stream)
	return &sound{reader: media.NewSoundReader(format, cmp.Or(ask.Sound.SampleRate, api.DefaultSampleRate), 1)}
}

// take takes a piece that came so many microseconds after the start.
func (s *sound) take(rec *record.Request, piece []byte, us int64) {
	if s.bytes == 0 && len(piece) > 0 && (piece[0] == '{' || piece[0] == '<') || s.head != nil {
		kept := piece[:min(len(piece), maxHead-len(s.head))]
		s.head, s.more = append(s.head, kept...), s.more || len(kept) < len(piece)
	}
	s.bytes += int64(len(piece))
	n := int64(s.reader.Add(piece))
	if n == 0 {
		return // a header is no sound
	}
	if last := len(rec.Chunks) - 1; last >= 0 && us-rec.Chunks[last] < together {
		rec.ChunkBytes[last] += n
		return
	}
	rec.Chunks, rec.ChunkBytes = append(rec.Chunks, us), append(rec.ChunkBytes, n)
}

// words returns what an answer says in place of sound, and "" if it is sound.
func (s *sound) words() string {
	switch {
	case api.IsMarkup(s.head) && (s.more || s.bytes == int64(len(s.head))) && isText(s.head),
		!s.more && gjson.ValidBytes(s.head):
		return cmp.Or(shorten(api.ErrorMessage(s.head)), shorten(string(s.head)))
	}
	return ""
}

// isText reports whether bytes are text rather than sound that begins like it.
func isText(head []byte) bool { return len(head) > 0 && bytes.IndexByte(head, 0) < 0 }

// settle writes into a record what the sound was.
func (s *sound) settle(o outcome) {
	rec := o.rec
	if s.bytes == 0 || len(rec.Chunks) == 0 {
		return
	}
	rec.Output = []record.Media{{Kind: record.MediaAudio, Format: s.reader.Format(), Seconds: s.reader.Seconds(),
		Bytes: s.bytes}}
	var sum int64
	for _, n := range rec.ChunkBytes {
		sum += n
	}
	if s.reader.Format() == api.FormatPCM && sum%2 != 0 {
		o.note(record.NoteOddSound)
	}
}

// speech reads an answer that is sound, or events with pieces of sound.
func (s *stream) speech() {
	reply := &s.reply
	reply.sound = newSound(reply.ask)
	kind := strings.ToLower(s.kind)
	switch {
	case strings.Contains(kind, "event-stream"):
		s.readEvents()
		if !reply.outcome.rec.Failed() && len(reply.outcome.rec.Chunks) == 0 {
			s.noSound(time.Now())
		}
	case strings.Contains(kind, "json"), strings.Contains(kind, "text/"):
		s.wordsForSound(s.events.Rest())
	default:
		s.readSound(s.events.Rest())
	}
	reply.sound.settle(reply.outcome)
}

// wordsForSound ends a request whose answer says that it is no sound.
func (s *stream) wordsForSound(body io.Reader) {
	data, _ := io.ReadAll(io.LimitReader(body, maxErrorBody))
	message := cmp.Or(shorten(api.ErrorMessage(data)), "no word")
	s.reply.outcome.fail(time.Now(), record.ErrorMalformed,
		fmt.Sprintf("expected sound, got content type %q: %s", shorten(s.kind), message))
}

func (s *stream) noSound(at time.Time) {
	s.reply.outcome.fail(at, record.ErrorTruncated, "the answer ended without any sound")
}

// soundBuffer is how many bytes of sound are read at once.
const soundBuffer = 16 << 10

var soundBuffers = sync.Pool{New: func() any { return new([soundBuffer]byte) }}

// readSound reads the bytes of a sound to their end.
func (s *stream) readSound(body io.Reader) {
	buf, _ := soundBuffers.Get().(*[soundBuffer]byte)
	defer soundBuffers.Put(buf)
	reply := &s.reply
	for idle := 0; ; {
		n, err := body.Read(buf[:])
		at := time.Now()
		if n > 0 {
			since := at.Sub(s.start)
			reply.sound.take(reply.outcome.rec, buf[:n], record.Micros(since))
			s.noteProgress(since)
			if s.leaving != nil {
				s.leaving.got(len(reply.outcome.rec.Chunks))
			}
			idle = 0
		}
		if idle++; err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
		if err == nil && !s.tooMany(at) {
			continue
		}
		if s.idle != nil {
			s.idle.timer.Stop()
		}
		if err != nil {
			s.endSound(at, s.attempt.ended(err))
		}
		return
	}
}

// tooMany fails an answer of more chunks than a record may have.
func (s *stream) tooMany(at time.Time) bool {
	most := s.reply.outcome.opts.maxBytes() / bytesPerChunk
	if len(s.reply.outcome.rec.Chunks) <= most {
		return false
	}
	s.reply.outcome.fail(at, record.ErrorTooLarge,
		fmt.Sprintf("answer over the limit of %d chunks, and the connection was closed", most))
	return true
}

// endSound decides how the bytes of a sound ended.
func (s *stream) endSound(at time.Time, err error) {
	o, words := s.reply.outcome, s.reply.sound.words()
	switch {
	case words != "":
		o.rec.Chunks, o.rec.ChunkBytes = []int64{}, nil
		o.fail(at, record.ErrorMalformed, "expected sound, got: "+words)
	case !errors.Is(err, io.EOF):
		o.fail(at, s.attempt.errorType(err, false), err.Error())
	case len(o.rec.Chunks) == 0:
		s.noSound(at)
	default:
		o.succeed(at)
	}
}
