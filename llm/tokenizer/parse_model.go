package tokenizer

import (
	"fmt"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// parseModel reads the model. bytes tells that the model is given bytes.
func parseModel(o lists, bytes bool) model {
	kind := o.kind()
	if kind == "" {
		kind = guessModel(o)
	}
	switch kind {
	case "BPE":
		return parseBPE(o, bytes)
	case "Unigram":
		return parseUnigram(o)
	case "WordPiece":
		return parseWordPiece(o)
	case "WordLevel":
		v := parseVocabulary(o)
		return &wordLevel{v, parseUnknown(o, v, "unk_token")}
	default:
		o.fail("model %q is not supported", kind)
		return nil
	}
}

// guessModel names the model of a file that does not name it, by the fields that only one model has.
func guessModel(o lists) string {
	has := func(name string) bool { return o.get(name).Exists() }
	switch {
	case has("merges"):
		return "BPE"
	case o.get("vocab").IsArray():
		return "Unigram"
	case has("max_input_chars_per_word"):
		return "WordPiece"
	default:
		return "WordLevel"
	}
}

func parseVocabulary(o lists) *vocabulary {
	vocab := o.field("vocab", gjson.JSON)
	if !vocab.IsObject() {
		o.failField("vocab", "is not an object")
		return newVocabulary(nil)
	}
	if o.fault != "" {
		o.fail("vocab: %s", o.fault)
	}
	return newVocabulary(o.vocab)
}

// parseUnknown returns the id of the token for what the vocabulary lacks.
func parseUnknown(o lists, v *vocabulary, field string) int32 {
	token := o.text(field)
	id, ok := v.id([]byte(token))
	if !ok {
		o.fail("%s %q is not in the vocabulary", field, token)
	}
	return id
}

func parseWordPiece(o lists) model {
	v := parseVocabulary(o)
	w := &wordPiece{vocabulary: v, unknown: parseUnknown(o, v, "unk_token"),
		maxChars: o.number("max_input_chars_per_word"),
		trie:     newTrie()}
	for i := range v.len() {
		if !w.trie.add(string(v.at(i)), v.ids[i]) {
			o.fail("vocab: too large")
			break
		}
	}
	w.inner, w.hasInner = w.trie.walk(o.text("continuing_subword_prefix"))
	return w
}

func parseUnigram(o lists) model {
	u := &unigram{trie: newTrie(), fallsBack: o.optionalFlag("byte_fallback", false)}
	var entries []entry
	o.field("vocab", gjson.JSON).ForEach(func(_, v gjson.Result) bool {
		token, score := v.Get("0"), v.Get("1")
		if token.Type != gjson.String || score.Type != gjson.Number {
			o.fail("vocab: entry %d is not a token with its score", len(entries))
			return false
		}
		if len(entries) == 0 || score.Num < u.worst {
			u.worst = score.Num
		}
		u.scores = append(u.scores, score.Num)
		if !u.trie.add(token.Str, int32(len(entries))) {
			o.fail("vocab: too large")
			return false
		}
		entries = append(entries, entry{token.Str, int32(len(entries))})
		return true
	})
	u.vocabulary = newVocabulary(entries)
	u.worst -= unknownPenalty
	u.fallback = byteTokens(u.vocabulary)
	if u.unknown = int32(o.number("unk_id")); int(u.unknown) >= len(entries) {
		o.fail("unk_id %d is not in the vocabulary", u.unknown)
	}
	return u
}

// byteTokens returns the ids of <0x00> to <0xFF>, -1 where there is none.
func byteTokens(v *vocabulary) (ids [256]int32) {
	for b := range ids {
		ids[b] = -1
		if id, ok := v.id(fmt.Appendf(nil, "<0x%02X>", b)); ok {
			ids[b] = id
		}
	}
	return ids
}

func parseBPE(o lists, bytes bool) model {
	if d := o.get("dropout"); d.Num != 0 {
		o.fail("dropout %s is not supported: it makes token counts random", d.Raw)
	}
	v := parseVocabulary(o)
	m := &bpe{
		vocabulary: v, bytes: bytes, unknown: -1,
		prefix: o.optionalText("continuing_subword_prefix"), suffix: o.optionalText("end_of_word_suffix"),
		fuseUnknown: o.optionalFlag("fuse_unk", false), fallsBack: o.optionalFlag("byte_fallback", false),
		ignoreMerges: o.optionalFlag("ignore_merges", false),
		fallback:     byteTokens(v),
	}
	complete := true
	for b := range 256 {
		m.byteIDs[b] = m.lookup([]byte(byteChars[b]))
		complete = complete && m.byteIDs[b] >= 0
		if b < utf8.RuneSelf {
			m.plain[b] = m.lookup([]byte{byte(b)})
		}
	}
	decorated := m.prefix != "" || m.suffix != ""
	if token := o.get("unk_token"); token.Type != gjson.Null && !(bytes && complete && !decorated) {
		m.unknown = parseUnknown(o, v, "unk_token")
	}
	m.merges = parseMerges(o, v, len(m.prefix))
	return m
}
