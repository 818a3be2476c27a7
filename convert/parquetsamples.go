package convert

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// samplesKey begins the metadata key of the lines that an instance wrote each second, heartbeats and samples of the
// server's page; the instance's name follows. They are compressed, for a file's metadata are read whole by whoever
// opens it, and in base64, for metadata are texts.
const samplesKey = "samples of "

// samples are the metadata with the lines of each second.
func (r *Run) samples() (meta []parquet.WriterOption, err error) {
	texts := map[string][]byte{}
	add := func(line record.Line) {
		instance := r.from[line]
		text, failed := record.Append(texts[instance], line)
		texts[instance], err = append(text, '\n'), errors.Join(err, failed)
	}
	for _, b := range r.Beats {
		add(b)
	}
	for _, s := range r.Servers {
		add(s)
	}
	encoder, failed := zstd.NewWriter(nil)
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	for _, instance := range sortedKeys(texts) {
		packed := base64.StdEncoding.EncodeToString(encoder.EncodeAll(texts[instance], nil))
		meta = append(meta, parquet.KeyValueMetadata(samplesKey+instance, packed))
	}
	return meta, encoder.Close()
}

// addSamples takes the lines of each second, of the instances whose run lines were read.
func (r *Run) addSamples(file *parquet.File) error {
	read := map[string]bool{}
	for _, run := range r.Runs {
		packed, known := file.Lookup(samplesKey + run.Instance)
		if !known || read[run.Instance] {
			continue
		}
		read[run.Instance] = true
		plain, err := zstd.NewReader(
			base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		_, err = r.addLines(plain, run.Instance)
		plain.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
