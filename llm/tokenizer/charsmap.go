package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

// charsmap is SentencePiece's precompiled normalizer: a double-array trie
// from strings to offsets in a list of NUL-terminated replacements.
//
// The library looks up whole grapheme clusters of less than six bytes, and
// takes the replacement of the shortest beginning it finds for the whole
// cluster; longer clusters are replaced character by character.
type charsmap struct {
	trie     []uint32
	replaced string
}

// maxCluster is the length, in bytes, of the longest cluster that is looked up whole.
const maxCluster = 5

func newCharsmap(encoded string) (*charsmap, error) {
	blob, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	if len(blob) < 4 {
		return nil, errors.New("precompiled_charsmap: no header")
	}
	size := binary.LittleEndian.Uint32(blob)
	blob = blob[4:]
	if uint64(size) > uint64(len(blob)) || size%4 != 0 || size == 0 {
		return nil, fmt.Errorf("precompiled_charsmap: a trie of %d bytes in %d", size, len(blob))
	}
	c := &charsmap{replaced: string(blob[size:])}
	if !utf8.ValidString(c.replaced) {
		return nil, errors.New("precompiled_charsmap: replacements are not UTF-8")
	}
	for i := uint32(0); i < size; i += 4 {
		c.trie = append(c.trie, binary.LittleEndian.Uint32(blob[i:]))
	}
	return c, nil
}

// lookup returns the replacement of the shortest prefix of key that has one.
func (c *charsmap) lookup(key []byte) (string, bool) {
	pos := unitOffset(c.trie[0])
	for _, b := range key {
		if b == 0 {
			break
		}
		if pos ^= uint32(b); pos >= uint32(len(c.trie)) {
			return "", false
		}
		unit := c.trie[pos]
		if unit&(1<<31|0xff) != uint32(b) {
			return "", false
		}
		if pos ^= unitOffset(unit); pos >= uint32(len(c.trie)) {
			return "", false
		}
		if unit>>8&1 != 0 {
			return c.at(c.trie[pos] & (1<<31 - 1))
		}
	}
	return "", false
}

// unitOffset returns where a unit's children are, relative to the unit; see the Darts-clone library.
func unitOffset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// at returns the NUL-terminated string at an offset.
func (c *charsmap) at(offset uint32) (string, bool) {
	if uint64(offset) > uint64(len(c.replaced)) {
		return "", false
	}
	s := c.replaced[offset:]
	for i := range len(s) {
		if s[i] == 0 {
			s = s[:i]
			break
		}
	}
	return s, true
}

func (c *charsmap) normalize(b *buffer, text []byte, first bool) ([]byte, bool) {
	out := b.text[:0]
	for len(text) > 0 {
		n := c.plain(text)
		if n == 0 {
			n = clusterLength(text)
		}
		out = c.cluster(out, text[:n])
		text = text[n:]
	}
	b.text = out
	return out, first
}

// plain returns 1 if text begins with a cluster of one ASCII character, which it finds without the Unicode tables.
func (c *charsmap) plain(text []byte) int {
	if text[0] < utf8.RuneSelf && text[0] != '\r' && (len(text) == 1 || text[1] < utf8.RuneSelf) {
		return 1
	}
	return 0
}

func clusterLength(text []byte) int {
	clusters := graphemes.FromBytes(text)
	clusters.Next()
	return max(1, len(clusters.Value()))
}

func (c *charsmap) cluster(dst, cluster []byte) []byte {
	if len(cluster) <= maxCluster {
		if s, ok := c.lookup(cluster); ok {
			return append(dst, s...)
		}
	}
	for len(cluster) > 0 {
		n := pattern.RuneLength(cluster)
		if s, ok := c.lookup(cluster[:n]); ok {
			dst = append(dst, s...)
		} else {
			dst = append(dst, cluster[:n]...)
		}
		cluster = cluster[n:]
	}
	return dst
}
