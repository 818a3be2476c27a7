package api

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Embeddings is the dialect of OpenAI's embeddings: a vector for each text.
var Embeddings Dialect = embeddings{}

type embeddings struct{ openAI }

func (embeddings) Name() string { return "embeddings" }
func (embeddings) Verb() string { return "embed" }
func (embeddings) Path() string { return "/embeddings" }
func (embeddings) Input() Input { return InputTexts }

// Output returns that answers are vectors.
func (embeddings) Output() Output { return OutputResults }

// IgnoresEOS returns false: no tokens are generated.
func (embeddings) IgnoresEOS() bool { return false }

// VectorOptions are the options of requests for vectors.
type VectorOptions struct {
	Dimensions     int    // numbers of a vector; 0 leaves them to the model
	EncodingFormat string // "float" or "base64"; "" leaves it to the server
}

// Check returns an error that names the faulty option.
func (o VectorOptions) Check() error {
	switch {
	case o.Dimensions < 0:
		return fmt.Errorf("dimensions must not be negative, got %d", o.Dimensions)
	case o.EncodingFormat != "" && o.EncodingFormat != "float" && o.EncodingFormat != "base64":
		return fmt.Errorf("encodingFormat must be 'float' or 'base64', got %q", o.EncodingFormat)
	}
	return nil
}

// errFormat refuses structured output where nothing is generated.
func errFormat(d Dialect) error {
	return fmt.Errorf("responseFormat has no effect on api %q, whose answers are no text: leave it out", d.Name())
}

// Body writes one input as a text, several as a list.
func (e embeddings) Body(r *Request) ([]byte, error) {
	if err := checkTextless(e, r); err != nil {
		return nil, err
	}
	w := newBody(r)
	w.text("model", r.Model)
	if len(r.Inputs) == 1 {
		w.text("input", r.Inputs[0])
	} else {
		w.texts("input", r.Inputs)
	}
	if r.Vectors.Dimensions > 0 {
		w.plain("dimensions", strconv.Itoa(r.Vectors.Dimensions))
	}
	w.some("encoding_format", r.Vectors.EncodingFormat)
	if r.AddSpecial != nil {
		w.plain("add_special_tokens", strconv.FormatBool(*r.AddSpecial))
	}
	return w.finish()
}

// Decode reads a list of vectors, a usage map and an error.
func (embeddings) Decode(data []byte, d *Delta) error {
	s := scanner{b: data}
	inArray, entered := enter(&s, d)
	if !entered {
		return s.err
	}
	var f fault
	for first := true; s.more('}', first); first = false {
		switch key := s.key(); string(key) {
		case "data":
			readResults(&s, d, readEmbedding)
		case "usage":
			readUsage(&s, d)
		case "error":
			readError(&s, d)
		default:
			f.member(key, s.skip())
		}
	}
	return leave(&s, d, &f, inArray)
}

// Check wants a vector for each text, all of one length.
func (embeddings) Check(r *Request, d *Delta) error {
	if err := d.Results.check(len(r.Inputs), len(r.Inputs), "vector", "input"); err != nil {
		return err
	}
	if asked := r.Vectors.Dimensions; asked > 0 && d.Results.Length != asked {
		return fmt.Errorf("vectors of %d numbers, and dimensions asks for %d", d.Results.Length, asked)
	}
	return nil
}

// readEmbedding reads an object with a vector.
func readEmbedding(s *scanner, d *Delta) (index int) {
	index, length := noIndex, 0
	var fault error
	s.open('{')
	for first := true; s.more('}', first); first = false {
		switch string(s.key()) {
		case "index":
			index = readIndex(s)
		case "embedding":
			length, fault = readVector(s)
		default:
			s.skip()
		}
	}
	k := d.Results.Count
	switch {
	case s.err != nil:
	case fault != nil:
		d.Results.fail("vector %d: %w", k, fault)
	case length == 0:
		d.Results.fail("vector %d has no numbers", k)
	case k == 0:
		d.Results.Length = length
	case length != d.Results.Length:
		d.Results.fail("vector %d has %d numbers, and vector 0 has %d", k, length, d.Results.Length)
	}
	return index
}

// readVector reads a list of numbers, or the base64 of 32-bit ones, and returns how many there are.
func readVector(s *scanner) (length int, fault error) {
	if s.peek() == '"' {
		return decodeVector(s.appendString(nil))
	}
	if !s.open('[') {
		return 0, fmt.Errorf("%.50q is no list of numbers", s.skip())
	}
	for first := true; s.more(']', first); first = false {
		if value := s.skip(); !isFinite(value) && fault == nil {
			fault = fmt.Errorf("its number %d is %.50q, which is not finite", length, value)
		}
		length++
	}
	return length, fault
}

// decodeVector returns how many little-endian 32-bit numbers a base64 text holds.
func decodeVector(text []byte) (length int, fault error) {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	switch {
	case err != nil:
		return 0, err
	case len(raw)%4 != 0:
		return 0, errors.New("its base64 does not hold 32-bit numbers")
	}
	for i := 0; i < len(raw); i += 4 {
		x := float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, fmt.Errorf("its number %d is %v, which is not finite", i/4, x)
		}
	}
	return len(raw) / 4, nil
}
