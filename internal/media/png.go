package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/zlib"
)

// pngFrame is what a file of one chunk of pixels takes besides them.
const pngFrame = 57

// png returns the file, in RGB of 8 bits. It writes the chunks itself because the encoder of the standard library tries
// each filter on each row, and looks for repetitions in noise, which takes ten times as long.
func (p Picture) png() ([]byte, error) {
	size := p.size(pngDensity)
	r := p.newRows(pngSizes, max(size-pngFrame, 0))
	level := zlib.HuffmanOnly
	if r.share < 1<<16 {
		level = 5 // the fastest that does not store noise as it is
	}
	var file bytes.Buffer
	file.Grow(pngFrame + size + size/8)
	file.WriteString("\x89PNG\r\n\x1a\n")
	header := binary.BigEndian.AppendUint32(nil, uint32(p.Width))
	header = binary.BigEndian.AppendUint32(header, uint32(p.Height))
	chunk(&file, "IHDR", append(header, 8, 2, 0, 0, 0)) // 8 bits, RGB, the only compression and filters, not interlaced
	start := file.Len()
	file.WriteString("\x00\x00\x00\x00IDAT")
	if err := r.deflate(&file, level); err != nil {
		return nil, err
	}
	seal(&file, start)
	chunk(&file, "IEND", nil)
	return file.Bytes(), nil
}

// deflate writes the filtered rows, compressed.
func (r *rows) deflate(file *bytes.Buffer, level int) error {
	z, err := zlib.NewWriterLevel(file, level)
	if err != nil {
		return err
	}
	const left, up = 1, 2 // filters
	row, above := make([]byte, 3*r.width), make([]byte, 3*r.width)
	filtered := make([]byte, 1+3*r.width)
	for y := range r.height {
		filtered[0] = up
		switch {
		case !r.next(row):
			clear(filtered[1:])
		case y == 0:
			filtered[0] = left
			copy(filtered[1:4], row)
			for i := 3; i < len(row); i++ {
				filtered[1+i] = row[i] - row[i-3]
			}
			row, above = above, row
		default:
			difference(filtered[1:], row, above)
			row, above = above, row
		}
		if _, err := z.Write(filtered); err != nil {
			return err
		}
	}
	return z.Close()
}

// difference sets dst to a less b, which are as long.
func difference(dst, a, b []byte) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// chunk appends a chunk of a PNG file.
func chunk(file *bytes.Buffer, name string, data []byte) {
	start := file.Len()
	file.WriteString("\x00\x00\x00\x00" + name)
	file.Write(data)
	seal(file, start)
}

// seal sets the length of the chunk that begins at start, and appends its checksum.
func seal(file *bytes.Buffer, start int) {
	data := file.Bytes()[start:]
	binary.BigEndian.PutUint32(data, uint32(len(data)-8))
	file.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data[4:])))
}
