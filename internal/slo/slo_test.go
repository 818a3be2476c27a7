package slo

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text         string
		judged, kept int
		want         Outcome
	}{
		{"p99(ttft)<500ms", 0, 0, NoRequests},
		{"p99(ttft)<500ms", 100, 99, Kept},
		{"p99(ttft)<500ms", 100, 98, Broken},
		{"p99.9(ttft)<500ms", 1000, 999, Kept},
		{"p99.9(ttft)<500ms", 1000, 998, Broken},
		{"p100(ttft)<500ms", 3, 3, Kept},
		{"p100(ttft)<500ms", 3, 2, Broken},
		{"ttft=500ms", 100, 99, Kept},
		{"ttft=500ms", 99, 98, Broken},
		{"goodput(ttft<1s)>=7%", 100, 7, Kept}, // 0.07 · 100 is above 7 in floating point
		{"goodput(ttft<1s)>7%", 100, 7, Broken},
		{"goodput(ttft<1s)>7%", 100, 8, Kept},
		{"failures<1%", 100, 100, Kept},
		{"failures<1%", 100, 99, Broken},
		{"failures<=1%", 100, 99, Kept},
		{"failures<=0", 10, 10, Kept},
		{"failures<=0", 10, 9, Broken},
		{"failures<7%", 100, 93, Broken},
		{"failures<=7%", 100, 93, Kept},
	} {
		list, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := list[0].Judge(Counts{tt.judged, tt.kept}); got != tt.want {
			t.Errorf("%s: %d of %d: got %s, want %s", tt.text, tt.kept, tt.judged, got, tt.want)
		}
	}
}

// The latency that Rank names is within the bound if and only if the objective is kept.
func TestRankDecides(t *testing.T) {
	t.Parallel()
	for _, percent := range []float64{0.1, 1, 50, 90, 95, 99, 99.9, 100} {
		list, err := Parse(fmt.Sprintf("p%v(ttft)<1s", percent))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 2, 7, 20, 99, 100, 101, 1000, 1001} {
			for kept := range n + 1 {
				within := list[0].Rank(n) < kept // the first kept latencies are within the bound
				if got := list[0].Judge(Counts{n, kept}) == Kept; got != within {
					t.Fatalf("%s: %d of %d kept it: got %t, want %t as rank %d", list[0], kept, n, got, within,
						list[0].Rank(n))
				}
			}
		}
	}
}

func TestKeeps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bound   Bound
		seconds float64
		want    bool
	}{
		{Bound{"ttft", 120 * ms, false}, 0.12, true},
		{Bound{"ttft", 120 * ms, true}, 0.12, false},
		{Bound{"ttft", 120 * ms, true}, 0.1199, true},
		{Bound{"ttft", 120 * ms, false}, 0.1201, false},
		{Bound{"ttft", 120 * ms, false}, math.NaN(), false},
		{Bound{"rtf", 800 * ms, false}, 0.8, true},
		{Bound{"rtf", 800 * ms, true}, 0.8, false},
		{Bound{"ttft", 120 * ms, false}, math.Inf(1), false},
	} {
		if got := tt.bound.Keeps(tt.seconds); got != tt.want {
			t.Errorf("%s: %v s: got %t", tt.bound, tt.seconds, got)
		}
	}
}

func ExampleParse() {
	list, err := Parse("p99(ttft)<500ms, failures<1%")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range list {
		fmt.Println(o, o.Judge(Counts{Judged: 200, Kept: 197}))
	}
	// Output:
	// p99(ttft)<500ms broken
	// failures<1% broken
}

func TestAPIFault(t *testing.T) {
	t.Parallel()
	const sounds = " is about sounds: answers of api "
	for _, tt := range []struct{ text, api, want string }{
		{"failures<1%,p99(latency)<5s", record.APIEmbeddings, ""},
		{"p99(ttft)<1s", record.APIEmbeddings,
			"p99(ttft)<1s is about tokens, which only text has: other answers have a "},
		{"failures<1%,latency=5s,ntpot=20ms", record.APIRerank, "latency=5s,ntpot=20ms is about tokens, "},
		{"p99(first_audio)<1s,p99(rtf)<1,p99(latency)<9s", record.APISpeech, ""},
		{"p99(latency)<9s,p99(ttft)<1s", record.APISpeech,
			"p99(ttft)<1s is about tokens, which only text has: speech has first_audio, rtf and a latency, as in "},
		{"p99(rtf)<1,p99(ttft)<1s", record.APITranscription, ""},
		{"p99(ttfa)<1s", record.APITranscription, "p99(ttfa)<1s" + sounds + `"transcription" have a latency, `},
		{"p99(rtf)<1", record.APIImage, "p99(rtf)<1" + sounds + `"image" have a latency, `},
		{"goodput(ttft<1s,rtf<1)>=99%", "chat", "goodput(ttft<1s,rtf<1)>=99%" + sounds + `"chat" have`},
	} {
		list, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		of := record.Request{API: tt.api}
		switch err := APIFault(list, of.API, of.Generates()); {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)):
			t.Errorf("%s of %s: got %v, want %q", tt.text, tt.api, err, tt.want)
		}
	}
}

func TestStreamFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"failures<1%,p99(latency)<5s,ntpot=20ms":     "",
		"failures<1%,p90(itl)<50ms,p99(ttft)<1s":     "p90(itl)<50ms needs streaming: an answer in one piece has no ",
		"goodput(request_latency<5s,tpot<50ms)>=95%": "goodput(request_latency<5s,tpot<50ms)>=95% needs streaming: ",
		"request_latency=5s,ttft=500ms":              "request_latency=5s,ttft=500ms needs streaming: ",
	} {
		list, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		switch err := StreamFault(list); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
