package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// fullRequest has every field that a line without bodies can have, with texts that need no escape.
func fullRequest() *Request {
	r := *allLines[2].(*Request)
	r.Error, r.RequestBody, r.ResponseBody = "busy", "", ""
	r.Retries, r.PromptAsked, r.PromptRaw, r.CompletionRaw, r.SessionID, r.Turn, r.Adapter, r.Client = 1, 5, true, true,
		"session-1", 2, "lora", 3
	r.Label, r.Endpoint, r.Leaves = "chat", "http://a:8000/v1", "20 tokens"
	r.Start, r.End, r.Due = 1_795_000_000_123_456_789, 1_795_000_003_123_456_789, new(int64(1_795_000_000_000_000_001))
	r.Connected, r.Written, r.FirstByte, r.Attempt, r.ServerDate = r.Start+1, r.Start+2, r.Start+3, r.Start+4,
		1_795_000_000
	r.Warmup, r.PromptHash = true, 0xfedcba9876543210
	r.Inputs, r.VectorLength, r.Scores = new(int64(8)), new(int64(1024)), new(int64(8))
	r.SLO, r.Good, r.Call = &Bounds{TTFT: 500, TPOT: 0.5}, new(true), fullCall()
	r.Media, r.Output, r.Poll = []Media{*fullMedia(), {Kind: MediaAudio, Format: "wav", Seconds: 2, Bytes: 64_044}},
		[]Media{{Kind: MediaAudio, Seconds: 0.48, Bytes: 23_040}}, fullPoll()
	r.AskedSize, r.ServerSeconds = "640x480", 2.25
	r.ChunkBytes, r.Sent = []int64{9600, 0, 13_440}, 1_250_000
	r.Characters = 42
	return &r
}

// onePass checks that reading a line in one pass returns the same as reading it by encoding/json.
func onePass(t *testing.T, d *Decoder, line []byte) {
	t.Helper()
	got := d.plain(line)
	if got == nil {
		return
	}
	want := new(Request)
	if err := json.Unmarshal(line, want); err != nil {
		t.Fatalf("%s was read in one pass, but encoding/json returns %v", line, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\ngot  %+v\nwant %+v", line, got, want)
	}
}

func TestRequestLinesAreReadInOnePass(t *testing.T) {
	t.Parallel()
	for _, reuse := range []bool{false, true} {
		d := &Decoder{Reuse: reuse}
		for _, r := range []*Request{fullRequest(), {Start: 1, End: 2, Stage: -1, Chunks: []int64{}}, fullRequest(),
			{Start: 1, End: 2, Chunks: []int64{}, Call: &Call{Ready: 1}}, {Start: 1, End: 1},
			{Start: 1, End: 2, Chunks: []int64{}, Media: []Media{{Kind: MediaImage}}, Poll: &Poll{}}} {
			line, err := Append(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Chunks != nil && d.plain(line) == nil { // a nil list becomes null, which this module never writes
				t.Errorf("%s was not read in one pass", line)
			}
			onePass(t, d, line)
		}
	}
}

// The decoder knows every field of Request except the bodies.
func TestDecoderKnowsEveryField(t *testing.T) {
	t.Parallel()
	r := reflect.ValueOf(*fullRequest())
	for i := range r.NumField() {
		if name := r.Type().Field(i).Name; r.Field(i).IsZero() && !strings.HasSuffix(name, "Body") {
			t.Errorf("%s is not in the test's request", name)
		}
	}
	for _, part := range []any{*fullCall(), *fullMedia(), *fullPoll()} {
		for field, v := range reflect.ValueOf(part).Fields() {
			if v.IsZero() {
				t.Errorf("%s is not in the test's %T", field.Name, part)
			}
		}
	}
}

func FuzzOnePass(f *testing.F) {
	for _, line := range allLines {
		text, err := Append(nil, line)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	full, err := Append(nil, fullRequest())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"type":"request","start_ns":-0,"chunks_us":[],"slo":{},"slo":{"ttft_ms":1},"Stage":1}`))
	f.Add([]byte(`{"type":"request","start_ns":9223372036854775808,"end_ns":99999999999999999999}`))
	f.Add([]byte(`{"type":"request","start_ns":1,"end_ns":2,"chunks_us":[1,01,1e1,-1],"chunk_tokens":[9223372036854775807],"error":"\u001b[2J\u202e"}`))
	f.Add([]byte(callLine(`"after":[],"blocks":"","labels":{},"labels":{"a":"b"},"ready_ns":1},"call":{"number":1`)))
	f.Add([]byte(callLine(`"blocks":"AB==","labels":null,"ready_ns":1,"after":[1,2],"Wait_us":3`)))
	f.Add([]byte(`{"type":"request","media":[{"kind":"image","seconds":0.5,"kind":"audio"}],"poll":{"count":1},"poll":{}}`))
	f.Add([]byte(`{"type":"request","media":[],"output_media":[{}],"media":[{"seconds":1e-7}],"output_media":[{"bytes":1}]}`))
	for _, seconds := range []string{"01", "1.", ".5", "0.50", "-0", "1.2.3", "1e3", "1E3", strings.Repeat("9", 400)} {
		f.Add([]byte(`{"type":"request","media":[{"seconds":` + seconds + `}]}`))
	}
	f.Add([]byte(`{"type":"request","start_ns":1,"id":"a` + "\x00\xff" + `b","usage":{"a":` + strings.Repeat(`{"a":`,
		50) + "1" + strings.Repeat("}", 51) + `,"end_ns":2}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		d := &Decoder{Reuse: true}
		onePass(t, d, line)
		onePass(t, d, full)
		onePass(t, d, line)
	})
}

// longLine is the line of an answer of 200 tokens.
func longLine() []byte {
	r := fullRequest()
	r.Chunks, r.ChunkTokens, r.Call.Labels = nil, nil, nil
	r.Media, r.Output, r.ChunkBytes, r.Sent, r.Poll, r.Characters = nil, nil, nil, 0, nil, 0
	r.AskedSize, r.ServerSeconds = "", 0
	for i := range int64(200) {
		r.Chunks = append(r.Chunks, 50_000+i*10_137)
	}
	line, err := Append(nil, r)
	if err != nil {
		panic(err)
	}
	return line
}

func TestReadingAllocatesLittle(t *testing.T) {
	d := &Decoder{Reuse: true}
	media, err := Append(nil, fullRequest())
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Parse(media); err != nil {
			t.Fatal(err)
		}
	}); n > 13 { // the same as below, the labels of the call, four fractions and an id
		t.Errorf("%v allocations a line with media", n)
	}
	line := longLine()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Parse(line); err != nil {
			t.Fatal(err)
		}
	}); n > 4 { // the id, the session's id, the call's id and the error's text
		t.Errorf("%v allocations a line", n)
	}
}

func BenchmarkReader(b *testing.B) {
	line := append(longLine(), '\n')
	file := bytes.Repeat(line, 1000)
	for _, reuse := range []bool{false, true} {
		b.Run(fmt.Sprintf("reuse=%t", reuse), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				r := NewReader(bytes.NewReader(file), "f")
				r.Reuse = reuse
				n := 0
				for _, err := r.Next(); err == nil; _, err = r.Next() {
					n++
				}
				if n != 1000 {
					b.Fatalf("%d lines", n)
				}
			}
		})
	}
}
