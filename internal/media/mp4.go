package media

import "encoding/binary"

// mp4Frame is about what an MP4 file takes besides its frames and their sizes.
const mp4Frame = 640

// mp4 returns the file: its head, and then the frames, so that it can be played while it arrives.
func (c Clip) mp4(h *h264, samples []byte, sizes []uint32) []byte {
	b := boxes{make([]byte, 0, mp4Frame+4*len(sizes)+len(samples))}
	b.box("ftyp", func() { b.text("isom\x00\x00\x02\x00isomiso2avc1mp41") })
	b.box("moov", func() {
		b.full("mvhd", 0, func() {
			b.words(0, 0, 1000, uint32(c.Frames*1000/c.fps()), 1<<16)
			b.text("\x01\x00" + zeros(10))
			b.matrix()
			b.text(zeros(24))
			b.words(2) // the number of the next track
		})
		b.box("trak", func() { c.track(&b, h, sizes) })
	})
	// The last word of the head is where the frames begin.
	binary.BigEndian.PutUint32(b.data[len(b.data)-4:], uint32(len(b.data)+8))
	b.box("mdat", func() { b.data = append(b.data, samples...) })
	return b.data
}

// track appends what is said of the only track. The table of places comes last.
func (c Clip) track(b *boxes, h *h264, sizes []uint32) {
	const tick = 1000 // of a frame
	b.full("tkhd", 3, func() {
		b.words(0, 0, 1, 0, uint32(c.Frames*1000/c.fps()), 0, 0, 0, 0)
		b.matrix()
		b.words(uint32(c.Width)<<16, uint32(c.Height)<<16)
	})
	b.box("mdia", func() {
		b.full("mdhd", 0, func() { b.words(0, 0, uint32(tick*c.fps()), uint32(tick*c.Frames), 0x55c4<<16) })
		b.full("hdlr", 0, func() { b.text(zeros(4) + "vide" + zeros(12) + "VideoHandler\x00") })
		b.box("minf", func() {
			b.full("vmhd", 1, func() { b.words(0, 0) })
			b.box("dinf", func() {
				b.full("dref", 0, func() {
					b.words(1)
					b.full("url ", 1, func() {})
				})
			})
			b.box("stbl", func() {
				b.full("stsd", 0, func() {
					b.words(1)
					b.box("avc1", func() { c.sampleEntry(b, h) })
				})
				b.full("stts", 0, func() { b.words(1, uint32(c.Frames), tick) })
				b.full("stsc", 0, func() { b.words(1, 1, uint32(c.Frames), 1) })
				b.full("stsz", 0, func() {
					b.words(0, uint32(len(sizes)))
					b.words(sizes...)
				})
				b.full("stco", 0, func() { b.words(1, 0) })
			})
		})
	})
}

// sampleEntry appends the description of the frames.
func (c Clip) sampleEntry(b *boxes, h *h264) {
	b.text(zeros(7) + "\x01" + zeros(16))
	b.words(uint32(c.Width)<<16|uint32(c.Height), 72<<16, 72<<16, 0)
	b.text("\x00\x01" + zeros(32) + "\x00\x18\xff\xff")
	b.box("avcC", func() {
		b.text(string([]byte{1, baseline, constraints, h.level(), 0xff, 0xe1}))
		b.unit(h.sequence())
		b.text("\x01")
		b.unit(picture())
	})
}

// boxes writes an MP4 file.
type boxes struct{ data []byte }

// box appends a box with what content appends.
func (b *boxes) box(name string, content func()) {
	start := len(b.data)
	b.text(zeros(4) + name)
	content()
	binary.BigEndian.PutUint32(b.data[start:], uint32(len(b.data)-start))
}

// full appends a box of version 0 with flags.
func (b *boxes) full(name string, flags uint32, content func()) {
	b.box(name, func() {
		b.words(flags)
		content()
	})
}

func (b *boxes) text(s string) { b.data = append(b.data, s...) }

func (b *boxes) words(list ...uint32) {
	for _, v := range list {
		b.data = binary.BigEndian.AppendUint32(b.data, v)
	}
}

// matrix appends the matrix that neither turns nor scales.
func (b *boxes) matrix() { b.words(1<<16, 0, 0, 0, 1<<16, 0, 0, 0, 1<<30) }

// unit appends a unit of H.264 after its length of 16 bits.
func (b *boxes) unit(data []byte) {
	escaped := appendNAL(nil, data)
	b.data = append(b.data, escaped[2:]...)
}

func zeros(n int) string { return string(make([]byte, n)) }
