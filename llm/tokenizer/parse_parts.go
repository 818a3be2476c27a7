package tokenizer

import (
	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/tokenizer/internal/pattern"
)

func parseNormalizers(o object) []normalizer {
	var out []normalizer
	for _, part := range o.flat("normalizers") {
		out = append(out, parseNormalizer(part)...)
	}
	return out
}

// parseNormalizer compiles one normalizer of the file, which may become several here.
func parseNormalizer(o object) []normalizer {
	switch kind := o.kind(); kind {
	case "NFC", "NFD", "NFKC", "NFKD":
		return []normalizer{newForm(len(kind) == 4, kind[len(kind)-1] == 'C')}
	case "Lowercase":
		return []normalizer{lowercase{}}
	case "Strip":
		return []normalizer{strip{pattern.NewClass(pattern.Space()), o.flag("strip_left"), o.flag("strip_right")}}
	case "StripAccents":
		return []normalizer{dropper{pattern.NewClass(pattern.Marks())}}
	case "Prepend":
		return []normalizer{prepend(o.text("prepend"))}
	case "Replace":
		return []normalizer{replace{parsePattern(o), o.text("content")}}
	case "ByteLevel":
		return []normalizer{byteLevel{}}
	case "Nmt":
		return []normalizer{dropper{pattern.NewClass(nmtControl)}, spacer{pattern.NewClass(nmtSpace)}}
	case "BertNormalizer":
		return parseBERTNormalizer(o)
	case "Precompiled":
		c, err := newCharsmap(o.text("precompiled_charsmap"))
		if err != nil {
			o.fail("%w", err)
		}
		return []normalizer{c}
	default:
		o.fail("normalizer %q is not supported", kind)
		return nil
	}
}

// What SentencePiece's nmt rules remove, and what they turn into a space.
var (
	nmtControl = pattern.Set{{0x01, 0x08}, {0x0b, 0x0b}, {0x0e, 0x1f}, {0x7f, 0x7f}, {0x8f, 0x8f}, {0x9f, 0x9f}}
	nmtSpace   = pattern.Set{
		{0x09, 0x0a}, {0x0c, 0x0d}, {0x1680, 0x1680}, {0x200b, 0x200f}, {0x2028, 0x2029}, {0x2581, 0x2581},
		{0xfeff, 0xfeff}, {0xfffd, 0xfffd},
	}
)

func parseBERTNormalizer(o object) []normalizer {
	var out []normalizer
	if o.flag("clean_text") {
		out = append(out, dropper{pattern.NewClass(pattern.BERTControls().With(pattern.Runes(0)))},
			spacer{pattern.NewClass(pattern.Space())})
	}
	if o.flag("handle_chinese_chars") {
		out = append(out, padder{pattern.NewClass(pattern.BERTIdeographs)})
	}
	lower := o.flag("lowercase")
	if o.optionalFlag("strip_accents", lower) {
		out = append(out, newForm(false, false), dropper{pattern.NewClass(pattern.BERTMarks())})
	}
	if lower {
		out = append(out, lowercase{})
	}
	return out
}

// parsePreTokenizers compiles the pre-tokenizers. bytes reports that the last of them leaves its pieces to be read as
// bytes in the characters of byteChars.
func parsePreTokenizers(o object) (steps []step, bytes bool) {
	for _, part := range o.flat("pretokenizers") {
		if bytes { // not the last part
			steps = append(steps, byteMapper{})
		}
		var more []step
		more, bytes = parsePreTokenizer(part)
		steps = append(steps, more...)
	}
	return steps, bytes
}

func parsePreTokenizer(o object) (steps []step, bytes bool) {
	cut := func(s pattern.Set, b behavior) step { return &splitter{pattern: pattern.NewClass(s), behavior: b} }
	switch kind := o.kind(); kind {
	case "ByteLevel":
		return []step{parseByteLevelSplit(o)}, true
	case "Split":
		steps = []step{&splitter{parsePattern(o), parseBehavior(o, o.text("behavior")), o.flag("invert")}}
	case "Metaspace":
		steps = []step{parseMetaspace(o)}
	case "Whitespace":
		word := pattern.PlainWord()
		regex := []*pattern.Class{pattern.NewClass(word), pattern.NewClass(word.With(pattern.Space()).Complement())}
		steps = []step{&splitter{pattern: pattern.Runs(regex), behavior: removed, inverted: true}}
	case "WhitespaceSplit":
		steps = []step{cut(pattern.Space(), removed)}
	case "BertPreTokenizer":
		steps = []step{cut(pattern.Space(), removed), cut(pattern.Punctuation(), isolated)}
	case "Punctuation":
		b := "Isolated"
		if o.get("behavior").Exists() {
			b = o.text("behavior")
		}
		steps = []step{cut(pattern.Punctuation(), parseBehavior(o, b))}
	case "Digits":
		b := contiguous
		if o.flag("individual_digits") {
			b = isolated
		}
		steps = []step{cut(pattern.Digits(), b)}
	case "CharDelimiterSplit":
		steps = []step{&splitter{pattern: pattern.Literal(o.character("delimiter")), behavior: removed}}
	case "FixedLength":
		length := fixedLength(5)
		if o.get("length").Exists() {
			length = fixedLength(max(1, o.number("length")))
		}
		steps = []step{length}
	default:
		o.fail("pre-tokenizer %q is not supported", kind)
	}
	return steps, false
}

func parseBehavior(o object, name string) behavior {
	known := map[string]behavior{
		"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
		"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
	}
	b, ok := known[name]
	if !ok {
		o.fail("split behavior %q is not supported", name)
	}
	return b
}

func parseByteLevelSplit(o object) step {
	b := &byteLevelSplit{prefixSpace: o.flag("add_prefix_space")}
	if o.optionalFlag("use_regex", true) {
		m, err := pattern.Compile(gpt2Pattern)
		if err != nil {
			o.fail("%w", err)
		}
		b.cut = &splitter{pattern: m, behavior: isolated}
	}
	return b
}

func parseMetaspace(o object) step {
	m := &metaspace{mark: o.character("replacement"), prepend: parsePrependScheme(o)}
	if o.optionalFlag("split", true) {
		m.cut = &splitter{pattern: pattern.Literal(m.mark), behavior: mergedWithNext}
	}
	return m
}

func parsePrependScheme(o object) prependScheme {
	scheme := o.optionalText("prepend_scheme")
	if !o.optionalFlag("add_prefix_space", true) && scheme != "never" {
		o.fail("Metaspace: add_prefix_space does not match prepend_scheme")
	}
	switch scheme {
	case "", "always":
		return prependAlways
	case "first":
		return prependFirst
	case "never":
		return prependNever
	}
	o.fail("prepend_scheme %q is not supported", scheme)
	return 0
}

func parseDecoders(o object) []decoder {
	var out []decoder
	for _, part := range o.flat("decoders") {
		out = append(out, parseDecoder(part))
	}
	return out
}

func parseDecoder(o object) decoder {
	switch kind := o.kind(); kind {
	case "ByteLevel":
		return byteLevelDecoder{}
	case "ByteFallback":
		return byteFallbackDecoder{}
	case "Fuse":
		return fuse{}
	case "Strip":
		return stripDecoder{o.character("content"), o.number("start"), o.number("stop")}
	case "Replace":
		return replace{parsePattern(o), o.text("content")}
	case "Metaspace":
		return metaspaceDecoder{o.character("replacement"), parsePrependScheme(o) != prependNever}
	case "WordPiece":
		return wordPieceDecoder{o.text("prefix"), o.flag("cleanup")}
	case "BPEDecoder":
		return suffixDecoder(o.text("suffix"))
	default:
		o.fail("decoder %q is not supported", kind)
		return nil
	}
}

// parseSpecialTokens reads which special tokens stand before and after a text.
func parseSpecialTokens(o object) (before, behind []int32) {
	for _, part := range o.flat("processors") {
		var b, a []int32
		switch kind := part.kind(); kind {
		case "ByteLevel": // changes only offsets
		case "TemplateProcessing":
			b, a = parseTemplate(part)
		case "RobertaProcessing", "BertProcessing":
			b, a = []int32{parsePairID(part, "cls")}, []int32{parsePairID(part, "sep")}
		default:
			part.fail("post-processor %q is not supported", kind)
		}
		before, behind = append(b, before...), append(behind, a...)
	}
	return before, behind
}

// parsePairID reads the id of ["token", id].
func parsePairID(o object, name string) int32 {
	id, ok := toID(o.get(name + ".1"))
	if !ok {
		o.failField(name, "is not a token with its id")
	}
	return id
}

// parseTemplate reads what a template puts around a single text.
func parseTemplate(o object) (before, behind []int32) {
	texts := 0
	ids := map[string][]int32{}
	o.get("special_tokens").ForEach(func(key, token gjson.Result) bool {
		for _, v := range token.Get("ids").Array() {
			id, ok := toID(v)
			if !ok {
				o.fail("TemplateProcessing: token %q has id %s", key.Str, v.Raw)
			}
			ids[key.Str] = append(ids[key.Str], id)
		}
		return true
	})
	for _, piece := range o.objects("single") {
		if piece.value.Get("Sequence").Exists() {
			texts++
			continue
		}
		name := piece.value.Get("SpecialToken.id").String()
		found, ok := ids[name]
		if !ok {
			piece.fail("TemplateProcessing: special token %q has no id", name)
		}
		if texts == 0 {
			before = append(before, found...)
		} else {
			behind = append(behind, found...)
		}
	}
	if texts != 1 {
		o.fail("TemplateProcessing: a template with %d texts is not supported", texts)
	}
	return before, behind
}

// parsePattern reads {"String": …} or {"Regex": …}.
func parsePattern(o object) pattern.Matcher {
	v := o.get("pattern")
	if s := v.Get("String"); s.Type == gjson.String {
		return pattern.Literal(s.Str)
	}
	if r := v.Get("Regex"); r.Type == gjson.String {
		m, err := pattern.Compile(r.Str)
		if err != nil {
			o.fail("%w", err)
		}
		return m
	}
	o.failField("pattern", "is neither a String nor a Regex")
	return nil
}
