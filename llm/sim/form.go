package sim

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"

	"github.com/tidwall/gjson"
)

// errForm reports a body that is not the form that the endpoint takes.
var errForm = errors.New("expected a form with files (multipart/form-data)")

// readForm reads the fields of a form. Its values are texts: those that are numbers or true are read so.
func readForm(body []byte, contentType string) (w wireRequest, err error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return w, errForm
	}
	fields, files, err := readParts(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	if err != nil {
		return w, err
	}
	for _, f := range files {
		w.files = append(w.files, f.data)
	}
	for name, text := range fields {
		if !w.set(name, formValue(text)) {
			return w, fmt.Errorf("%s cannot be %.50q", name, text)
		}
	}
	return w, nil
}

// formValue returns a value of a form as one of JSON.
func formValue(text string) gjson.Result {
	if v := gjson.Parse(text); gjson.Valid(text) && (v.Type == gjson.Number || v.IsBool()) {
		return v
	}
	return gjson.Result{Type: gjson.String, Str: text, Raw: string(appendQuoted(nil, text))}
}
