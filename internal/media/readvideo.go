package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ReadVideo returns the size, the number of frames and the duration of the first video track of an MP4 file, whole or
// in fragments. Frames and seconds are 0 where the file does not tell.
func ReadVideo(data []byte) (width, height, frames int, seconds float64, err error) {
	if len(data) < 8 || string(data[4:8]) != "ftyp" {
		return 0, 0, 0, 0, fmt.Errorf("not an MP4 file: it begins with % x", data[:min(len(data), 8)])
	}
	var v videoReader
	eachBox(data, v.top)
	t := v.track
	if t == nil {
		return 0, 0, 0, 0, errors.New("an MP4 file without a video track")
	}
	if t.frames > int64(len(data)) {
		return 0, 0, 0, 0, fmt.Errorf("an MP4 file of %d bytes that says it has %d frames", len(data), t.frames)
	}
	if t.scale > 0 {
		seconds = float64(t.duration) / float64(t.scale)
	}
	if seconds > math.MaxInt32 {
		return 0, 0, 0, 0, fmt.Errorf("an MP4 file that says it plays for %v s", seconds)
	}
	return t.width, t.height, int(t.frames), seconds, nil
}

// videoReader collects what boxes say.
type videoReader struct {
	track *videoTrack // the first of a video
	now   videoTrack  // the one being read
}

type videoTrack struct {
	id            uint32
	video         bool
	width, height int
	frames        int64
	scale         uint32 // ticks a second
	duration      uint64 // in ticks
	each          uint64 // ticks of a frame of a fragment that does not say itself
}

// eachBox calls do with each box. It ends at one that makes no sense, and gives what there is of one that is cut short.
func eachBox(data []byte, do func(name string, body []byte)) {
	for len(data) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		switch {
		case size == 0:
			size = uint64(len(data))
		case size == 1 && len(data) >= 16:
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size < head {
			return
		}
		size = min(size, uint64(len(data)))
		do(string(data[4:8]), data[head:size])
		data = data[size:]
	}
}

// word returns the 32 bits at an offset, and 0 if there are none.
func word(body []byte, at int) uint32 {
	if len(body) < at+4 {
		return 0
	}
	return binary.BigEndian.Uint32(body[at:])
}

// top reads a box that is in no other.
func (v *videoReader) top(name string, body []byte) {
	switch name {
	case "moov":
		eachBox(body, v.movie)
	case "moof":
		eachBox(body, func(name string, body []byte) {
			if name == "traf" && v.track != nil {
				v.fragment(body)
			}
		})
	}
}

func (v *videoReader) movie(name string, body []byte) {
	switch name {
	case "trak":
		v.now = videoTrack{}
		eachBox(body, v.now.read)
		if v.now.video && v.track == nil {
			v.track = new(v.now)
		}
	case "mvex":
		eachBox(body, func(name string, body []byte) {
			if name == "trex" && v.track != nil && word(body, 4) == v.track.id {
				v.track.each = uint64(word(body, 12))
			}
		})
	}
}

// read reads a box of a track. Each kind of box is looked for in one place alone: a file of millions of boxes in one
// another would use up the stack.
func (t *videoTrack) read(name string, body []byte) {
	switch name {
	case "tkhd":
		t.id = word(body, 12)
		if long(body) {
			t.id = word(body, 20)
		}
	case "mdia":
		eachBox(body, t.readMedia)
	}
}

func (t *videoTrack) readMedia(name string, body []byte) {
	switch name {
	case "mdhd":
		t.scale, t.duration = word(body, 12), uint64(word(body, 16))
		if long(body) {
			t.scale, t.duration = word(body, 20), uint64(word(body, 24))<<32|uint64(word(body, 28))
		}
	case "hdlr":
		t.video = len(body) >= 12 && string(body[8:12]) == "vide"
	case "minf":
		eachBox(body, func(name string, body []byte) {
			if name == "stbl" {
				eachBox(body, t.readTable)
			}
		})
	}
}

func (t *videoTrack) readTable(name string, body []byte) {
	switch name {
	case "stsd":
		size := word(body, 40) // of the first entry, if it is a video's
		t.width, t.height = int(size>>16), int(size&0xffff)
	case "stsz", "stz2":
		t.frames = int64(word(body, 8))
	}
}

// long tells whether a box has times of 64 bits.
func long(body []byte) bool { return len(body) > 0 && body[0] == 1 }

// fragment adds the frames of a fragment of a track.
func (v *videoReader) fragment(body []byte) {
	t := v.track
	each, ours := t.each, false
	eachBox(body, func(name string, body []byte) {
		switch name {
		case "tfhd":
			flags, at := word(body, 0), 8
			ours = word(body, 4) == t.id
			if flags&1 != 0 { // where its data are
				at += 8
			}
			if flags&2 != 0 { // which description it has
				at += 4
			}
			if flags&8 != 0 {
				each = uint64(word(body, at))
			}
		case "trun":
			if ours {
				t.frames += int64(word(body, 4))
				t.duration += runTime(body, each)
			}
		}
	})
}

// runTime returns how many ticks a run of frames takes, each of which takes so many unless the run says otherwise.
func runTime(body []byte, each uint64) (sum uint64) {
	flags, count := word(body, 0), uint64(word(body, 4))
	if flags&0x100 == 0 {
		return each * count
	}
	at, stride := 8, 4
	for _, flag := range [...]uint32{0x1, 0x4} {
		if flags&flag != 0 {
			at += 4
		}
	}
	for _, flag := range [...]uint32{0x200, 0x400, 0x800} {
		if flags&flag != 0 {
			stride += 4
		}
	}
	for ; count > 0 && at+4 <= len(body); count-- {
		sum += uint64(word(body, at))
		at += stride
	}
	return sum
}
