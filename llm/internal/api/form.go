package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// boundary separates the parts of a form. A file of sound or of pixels does not hold it by chance.
const boundary = "xk6-llm-4c9d1f60b7e2a85390d6"

// formType is the Content-Type of a form.
const formType = "multipart/form-data; boundary=" + boundary

// formWriter writes a form with files, as RFC 7578 has it. Extra fields replace and remove fields as in a bodyWriter.
type formWriter struct {
	dst   []byte
	extra Extra
	apart bool // marks of blobs stand for the files
	files int  // written so far
	err   error
}

// partRoom is room, in bytes, for what surrounds the value of a field.
const partRoom = 192

// newForm returns a writer with room for the form of a request.
func newForm(r *Request) *formWriter {
	room := 16*partRoom + len(r.Model) + len(r.Prompt)
	for _, f := range r.Files {
		room += len(f.Name) + len(f.Type) + partRoom
		if !r.Apart {
			room += len(f.Data)
		}
	}
	return &formWriter{dst: make([]byte, 0, room), extra: r.Extra, apart: r.Apart}
}

// text writes a field, unless an extra one of its name stands in its place.
func (w *formWriter) text(name, value string) {
	if _, replaced := w.extra[name]; !replaced {
		w.field(name, value)
	}
}

// some writes a field that has a value.
func (w *formWriter) some(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *formWriter) field(name, value string) {
	w.head(name)
	w.dst = append(append(append(w.dst, "\r\n\r\n"...), value...), "\r\n"...)
}

// file writes the next of the request's files as a field.
func (w *formWriter) file(name string, f File) {
	if strings.ContainsAny(f.Type, "\r\n") {
		w.err = fmt.Errorf("%q is no media type", f.Type)
		return
	}
	w.head(name)
	w.dst = append(w.dst, `; filename="`...)
	w.dst = appendParameter(w.dst, f.Name)
	w.dst = append(append(append(w.dst, "\"\r\nContent-Type: "...), f.Type...), "\r\n\r\n"...)
	if w.apart {
		w.dst = AppendBlob(w.dst, w.files)
	} else {
		w.dst = append(w.dst, f.Data...)
	}
	w.files++
	w.dst = append(w.dst, "\r\n"...)
}

// head begins a field.
func (w *formWriter) head(name string) {
	w.dst = append(w.dst, "--"+boundary+"\r\nContent-Disposition: form-data; name=\""...)
	w.dst = append(appendParameter(w.dst, name), '"')
}

// appendParameter appends a name as browsers write it between quotes.
func appendParameter(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '"':
			dst = append(dst, "%22"...)
		case '\r':
			dst = append(dst, "%0D"...)
		case '\n':
			dst = append(dst, "%0A"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// finish writes the extra fields, and ends the form. An object among them is written as JSON, and a list as a field for
// each member, whose name ends with [].
func (w *formWriter) finish() ([]byte, error) {
	names := make([]string, 0, len(w.extra))
	for name := range w.extra {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch value := gjson.ParseBytes(w.extra[name]); {
		case value.Type == gjson.Null: // the field is to be left out
		case value.IsArray():
			for _, each := range value.Array() {
				w.field(name+"[]", each.String())
			}
		default:
			w.field(name, value.String())
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	return append(w.dst, "--"+boundary+"--\r\n"...), nil
}
