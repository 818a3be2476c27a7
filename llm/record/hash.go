package record

import (
	"encoding/hex"
	"fmt"
)

// Hash tells whether two requests asked for the same: it is equal for equal bodies, in all runs. 0 means that it is
// unknown. In JSON it has 16 hexadecimal digits.
type Hash uint64

const hashDigits = 16

// String returns the digits, "" of an unknown hash.
func (h Hash) String() string {
	if h == 0 {
		return ""
	}
	text, _ := h.AppendText(nil) // never fails
	return string(text)
}

// AppendText appends the digits.
func (h Hash) AppendText(dst []byte) ([]byte, error) {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[h>>shift&0xf])
	}
	return dst, nil
}

// MarshalText returns the digits.
func (h Hash) MarshalText() ([]byte, error) { return h.AppendText(nil) }

// UnmarshalText reads digits in lower or upper case.
func (h *Hash) UnmarshalText(text []byte) error {
	if !h.read(text) {
		return fmt.Errorf("prompt_hash %.40q is no hash of %d hexadecimal digits", text, hashDigits)
	}
	return nil
}

// read reports whether the text is a hash.
func (h *Hash) read(text []byte) bool {
	var b [hashDigits / 2]byte
	if len(text) != hashDigits {
		return false
	}
	if _, err := hex.Decode(b[:], text); err != nil {
		return false
	}
	*h = 0
	for _, c := range b {
		*h = *h<<8 | Hash(c)
	}
	return true
}
