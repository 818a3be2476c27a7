// Package prefix follows which beginnings of prompts a server's cache can know. A prompt is cut into blocks of a fixed
// number of tokens, and each block is known by a hash of everything up to its end, as in vLLM: two prompts share a
// block if they are equal up to there.
//
// What is hashed of a message is its role and the tokens of its texts: content, reasoning, and the names and arguments
// of tool calls. Ids are not. Roles are no tokens, and only full blocks count.
package prefix

import (
	"encoding/binary"
	"fmt"
)

// Hash is the hash of a prompt up to the end of a block.
type Hash uint64

// hashBytes is the size of a hash in files.
const hashBytes = 8

// Encode returns hashes as bytes, little endian.
func Encode(hashes []Hash) []byte {
	b := make([]byte, 0, hashBytes*len(hashes))
	for _, h := range hashes {
		b = binary.LittleEndian.AppendUint64(b, uint64(h))
	}
	return b
}

// Decode returns the hashes that Encode wrote.
func Decode(b []byte) ([]Hash, error) {
	if len(b)%hashBytes != 0 {
		return nil, fmt.Errorf("hashes of %d bytes, which is no multiple of %d", len(b), hashBytes)
	}
	return AppendDecoded(make([]Hash, 0, len(b)/hashBytes), b, len(b)), nil
}

// AppendDecoded appends the first hashes of those that Encode wrote, at most n.
func AppendDecoded(dst []Hash, b []byte, n int) []Hash {
	for ; n > 0 && len(b) >= hashBytes; n-- {
		dst = append(dst, Hash(binary.LittleEndian.Uint64(b)))
		b = b[hashBytes:]
	}
	return dst
}
