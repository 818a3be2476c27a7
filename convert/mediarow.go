package convert

import (
	"encoding/csv"
	"io"
	"math"
	"reflect"

	"github.com/parquet-go/parquet-go"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// setMediaColumns sets the columns of media of a request.
func setMediaColumns(row *run.Row, q *run.Request) {
	if q.Media == nil {
		return
	}
	row.Media, row.Sent = q.Media.JSON(), q.Media.Sent
	for _, m := range mediaOf(q) {
		switch m.Kind {
		case record.MediaImage:
			row.Images++
		case record.MediaVideo:
			row.Videos++
		case record.MediaAudio:
			row.Audios++
		}
		row.MediaBytes += m.Bytes
		row.Frames = narrow(int(row.Frames) + m.Frames)
		row.Pixels += m.Pixels()
		row.MediaTokens += int64(m.Tokens)
		row.MediaSeconds += m.Seconds
	}
}

// MediaRow is a row of media.parquet: a picture, a video or a sound. What is unknown of it is null.
type MediaRow struct {
	RunID     string   `parquet:"run_id,dict"`
	RequestID string   `parquet:"request_id"`
	API       string   `parquet:"api,dict"`
	Direction string   `parquet:"direction,dict"` // prompt or answer
	Number    int32    `parquet:"number"`         // in the request or the answer, from 0
	Kind      string   `parquet:"kind,dict"`
	Format    string   `parquet:"format,dict"`
	Width     *int32   `parquet:"width,optional"`
	Height    *int32   `parquet:"height,optional"`
	Frames    *int32   `parquet:"frames,optional"`
	Seconds   *float64 `parquet:"seconds,optional"`
	Bytes     *int64   `parquet:"bytes,optional"`
	Tokens    *int32   `parquet:"tokens,optional"`
	ID        string   `parquet:"id"`
	URL       bool     `parquet:"url"`
}

// MediaTable writes the media of a run as tables for other programs.
type MediaTable struct{ run *run.Run }

// NewMediaTable returns the table of a run's media: those of prompts and those of answers.
func NewMediaTable(r *run.Run) MediaTable { return MediaTable{r} }

// WriteParquet writes one row per picture, video or sound.
func (t MediaTable) WriteParquet(out io.Writer) error {
	return writeRows(out, func(w *rowWriter[MediaRow]) error { return t.each(w.write) },
		parquet.KeyValueMetadata("schema", record.Schema), parquet.KeyValueMetadata("run_id", t.run.ID()))
}

// WriteCSV writes one line per picture, video or sound, in the form of [RequestTable.WriteCSV].
func (t MediaTable) WriteCSV(w io.Writer) error {
	return buffered(w, func(w io.Writer) error {
		out, columns := csv.NewWriter(w), columnsOf(reflect.TypeFor[MediaRow]())
		if err := out.Write(names(columns)); err != nil {
			return err
		}
		if err := t.each(func(row MediaRow) error { return out.Write(csvLine(columns, row)) }); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	})
}

func (t MediaTable) each(write func(MediaRow) error) error {
	for _, q := range run.Sent(t.run) {
		if q.Media == nil {
			continue
		}
		for _, of := range []struct {
			direction string
			list      []record.Media
		}{{"prompt", q.Media.Prompt}, {"answer", q.Media.Answer}} {
			for i := range of.list {
				row := mediaRow(&of.list[i])
				row.RunID, row.RequestID, row.API = t.run.ID(), q.ID(), q.API
				row.Direction, row.Number = of.direction, narrow(i)
				if err := write(row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mediaRow returns the row of a medium, without its request.
func mediaRow(m *record.Media) MediaRow {
	some := func(n int) *int32 {
		if n == 0 {
			return nil
		}
		return new(narrow(n))
	}
	row := MediaRow{Kind: m.Kind, Format: m.Format, Width: some(m.Width), Height: some(m.Height),
		Frames: some(m.Frames), Tokens: some(min(m.Tokens, math.MaxInt32)), ID: m.ID, URL: m.URL}
	if m.Bytes > 0 || !m.URL {
		row.Bytes = &m.Bytes
	}
	if m.Seconds > 0 {
		row.Seconds = &m.Seconds
	}
	return row
}
