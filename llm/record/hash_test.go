package record

import (
	"bytes"
	"encoding/json"
	"testing"
)

// A hash is read back by either decoder, whatever bits it has, and one that is unknown is not written.
func TestHashesAreReadBack(t *testing.T) {
	t.Parallel()
	for want, digits := range map[Hash]string{0: "", 1: "0000000000000001", 1<<64 - 1: "ffffffffffffffff",
		0x0123456789abcdef: "0123456789abcdef"} {
		if got := want.String(); got != digits {
			t.Errorf("%d: got %q, want %q", uint64(want), got, digits)
		}
		line, err := Append(nil, &Request{API: "chat", Start: 1, End: 2, Chunks: []int64{}, PromptHash: want})
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(line, []byte(`"prompt_hash":"`+digits+`"`)); has != (want != 0) {
			t.Errorf("%q: line %s", digits, line)
		}
		var d Decoder
		var byJSON Request
		read := d.plain(line)
		if read == nil || read.PromptHash != want {
			t.Errorf("%q: read %+v", digits, read)
		}
		if err := json.Unmarshal(line, &byJSON); err != nil || byJSON.PromptHash != want {
			t.Errorf("%q: encoding/json read %v, %v", digits, byJSON.PromptHash, err)
		}
	}
}

func TestHashesOfOtherForms(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "12", "0123456789abcdeg", "0123456789abcdef0", "\x00"} {
		h := Hash(7)
		if err := h.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %v", text, h)
		}
	}
	var h Hash
	if err := h.UnmarshalText([]byte("0123456789ABCDEF")); err != nil || h != 0x0123456789abcdef {
		t.Errorf("in upper case: %v, %v", h, err)
	}
}
