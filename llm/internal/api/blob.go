package api

import "bytes"

// Blobs are long texts inside strings of a request's messages, such as the files of pictures in base64. In the messages
// marks stand for them until the body is sent: what reads or converts messages need not go through megabytes, and
// requests with the same picture share its text.

const (
	blobMark = 0xff // a byte that no text has
	blobSize = 4    // bytes of a mark: that one, and three with six bits of the number each
)

// MaxBlobs is the largest number of blobs in a request.
const MaxBlobs = 1 << 18

// AppendBlob appends the mark of a request's blob number i, which is below MaxBlobs, to a string of its messages.
func AppendBlob(dst []byte, i int) []byte {
	return append(dst, blobMark, byte(0x80|i>>12&0x3f), byte(0x80|i>>6&0x3f), byte(0x80|i&0x3f))
}

// NextBlob returns where the first mark of a text begins and ends, and the number of its blob; the length of the text,
// twice, and -1 if there is none.
func NextBlob(text []byte) (begin, end, blob int) {
	at := bytes.IndexByte(text, blobMark)
	if at < 0 || at+blobSize > len(text) {
		return len(text), len(text), -1
	}
	m := text[at+1 : at+blobSize]
	return at, at + blobSize, int(m[0]&0x3f)<<12 | int(m[1]&0x3f)<<6 | int(m[2]&0x3f)
}
