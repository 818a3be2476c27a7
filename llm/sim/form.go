package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	for r := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return w, nil
		}
		if err != nil {
			return w, fmt.Errorf("the form: %w", err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return w, fmt.Errorf("the form's field %q: %w", part.FormName(), err)
		}
		if part.FileName() != "" {
			w.files = append(w.files, data)
		} else if value := formValue(data); !w.set(part.FormName(), value) {
			return w, fmt.Errorf("%s cannot be %.50q", part.FormName(), data)
		}
	}
}

// formValue returns a value of a form as one of JSON.
func formValue(data []byte) gjson.Result {
	if v := gjson.ParseBytes(data); gjson.ValidBytes(data) && (v.Type == gjson.Number || v.IsBool()) {
		return v
	}
	return gjson.Result{Type: gjson.String, Str: string(data), Raw: string(appendQuoted(nil, data))}
}
