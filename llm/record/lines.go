package record

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Schema is the name of the format of the lines; a Run line carries it.
const Schema = "xk6-llm/1"

// Line is one line of a record file: *Run, *Client, *Request, *Dropped, *Stage, *Server, *Heartbeat, *Search,
// *Session, *Mark or *End.
type Line interface{ lineType() string }

// Run is the first line of a file: what ran, where and when.
type Run struct {
	Schema          string            `json:"schema"`
	ID              string            `json:"run_id"`
	Instance        string            `json:"instance"`
	Segment         string            `json:"segment"`          // execution segment, "0:1" for a whole run
	SegmentSequence string            `json:"segment_sequence"` // of all instances, "" if none was given
	Start           int64             `json:"start"`            // Unix nanoseconds
	Versions        map[string]string `json:"versions"`
	Seed            *int64            `json:"seed,omitempty"`
	Scenarios       []Scenario        `json:"scenarios"`
	Clock           *Clock            `json:"clock,omitempty"` // set in a report's requests.parquet
	Machine         *Machine          `json:"machine,omitempty"`
	Files           []File            `json:"files,omitempty"` // the script, what it imports, and the program
}

// Generated is a data set that makes its prompts: with the same seed and salt it makes the same prompts.
type Generated struct {
	Type string `json:"type"`
	Seed int64  `json:"seed"`
	Salt string `json:"salt"`
}

// Scenario is one scenario of the run as it was requested.
type Scenario struct {
	Name     string  `json:"name"`
	Executor string  `json:"executor"`
	StartAt  float64 `json:"start_time"` // seconds after the start of the test
	Stages   []Stage `json:"stages"`
}

// Stage is a span of the run with one load. As a line of its own it records when a stage actually began and ended.
type Stage struct {
	Index int `json:"index"`
	// requests per second at the start of a ramp; nil means Rate throughout
	From        *float64 `json:"from_rate,omitempty"`
	Rate        *float64 `json:"rate,omitempty"`     // requests per second over all instances
	Duration    *float64 `json:"duration,omitempty"` // seconds
	Requests    *int64   `json:"requests,omitempty"`
	Concurrency *int64   `json:"concurrency,omitempty"`
	// Timeout is how long a stage with a number of requests may begin further ones, in seconds. Rate is then, as in
	// every closed loop, the highest rate at which they begin.
	Timeout *float64 `json:"timeout,omitempty"`
	// Warmup is how long the stage warms up, in seconds: requests due until then, or sent in a closed loop, are in no
	// figure. It is part of Duration.
	Warmup *float64 `json:"warmup,omitempty"`
	// WarmupStage tells that all of the stage is a warm-up: it is one of the constants Warmup…, and "" for other
	// stages.
	WarmupStage string `json:"warmup_stage,omitempty"`

	Start  int64  `json:"start_ns,omitempty"`
	End    int64  `json:"end_ns,omitempty"`
	Status string `json:"status,omitempty"` // one of the constants Stage…, or "stopped: " and the reason
}

// Client describes a client of the script. It is written before the first request that uses the client, and never holds
// a secret.
type Client struct {
	Number    int            `json:"number"`
	SLO       *Bounds        `json:"slo,omitempty"`
	Tokenizer string         `json:"tokenizer,omitempty"`
	Adapters  []Adapter      `json:"adapters,omitempty"`
	Simulator bool           `json:"simulator"`
	Generated []Generated    `json:"generated_data,omitempty"` // data sets of the script that make their prompts
	Files     []File         `json:"files,omitempty"`          // what the script has read: data sets, tokenizers
	Options   map[string]any `json:"options"`                  // as given, with secrets replaced
}

// Adapter is a LoRA adapter and its share of the requests.
type Adapter struct {
	Name  string  `json:"name"`
	Split float64 `json:"split"`
}

// Dropped is an arrival (or several, Count of them) for which no VU was free.
type Dropped struct {
	Scenario string `json:"scenario"`
	Stage    int    `json:"stage"`
	Index    *int64 `json:"index"`  // nil when unknown
	Due      *int64 `json:"due_ns"` // nil when unknown
	Count    int64  `json:"count"`
	Warmup   bool   `json:"warmup,omitempty"` // as of requests
}

// Server is a sample of the server's state, read from its own page of metrics.
type Server struct {
	Time   int64  `json:"time_ns"`
	Source string `json:"source,omitempty"` // the page's URL without secrets
	// engine whose metrics are on the page, "" if it is not one that serves models
	Engine string             `json:"engine,omitempty"`
	Models []string           `json:"models,omitempty"`         // that its metrics name, sorted
	Failed int64              `json:"failed_scrapes,omitempty"` // failures on the same page since the line before
	Values map[string]float64 `json:"values"`                   // empty where the last attempt of a run failed
}

// Heartbeat records, for a second of the measuring process, how late the process got to do what it waited for: a timer
// is due every 5 ms. Durations are nanoseconds.
type Heartbeat struct {
	Start int64 `json:"start_ns"` // Unix nanoseconds, as is End
	End   int64 `json:"end_ns"`
	Beats int64 `json:"beats"`       // instants at which the timer was due
	P99   int64 `json:"late_p99_ns"` // lateness at those instants
	Max   int64 `json:"late_max_ns"`
	CPU   int64 `json:"cpu_ns"` // processor time that the process used
	Pressure
	// Late lists the spans over 1 ms in which the process did not get to run: each one's start, as microseconds after
	// Start, and its length.
	Late [][2]int64 `json:"late_us,omitempty"`
}

// Pressure records what kept a process from the processors, in nanoseconds; nil where the system does not report it.
type Pressure struct {
	Waited    *int64 `json:"run_wait_ns,omitempty"`  // time that runnable threads waited for a processor, added up
	Throttled *int64 `json:"throttled_ns,omitempty"` // time that the quota of its control group was used up
	Stalled   *int64 `json:"stalled_ns,omitempty"`   // time that any process of its group, or of the system, waited
}

// End is the last line of a complete file.
type End struct {
	Status   string `json:"status"` // "finished", or why the run ended otherwise
	Time     int64  `json:"end_ns"`
	Requests int64  `json:"requests"`
	Failed   int64  `json:"failed"`
	// Unfinished counts the requests that the end of the run cut off, and those whose users left. None of them is among
	// Failed.
	Unfinished int64  `json:"unfinished,omitempty"`
	Dropped    int64  `json:"dropped"`
	Health     Health `json:"client_health"`
}

// Health records how the measuring process itself fared.
type Health struct {
	CPUShare   float64 `json:"cpu_share"`            // CPU time over elapsed time times Processors, 0 to 1
	GoMaxProcs int     `json:"gomaxprocs"`           // threads that may run Go at once
	Processors float64 `json:"processors,omitempty"` // GoMaxProcs, or the quota of its control group if that is less
	GCPause    int64   `json:"gc_pause_total_ns"`    // all stop-the-world pauses of those collections, added up
	GCCycles   int64   `json:"gc_cycles"`            // collections since the load began
	// Steal is the share of all processors' time that the host of a virtual machine took meanwhile, 0 to 1; nil if it
	// is not known.
	Steal *float64 `json:"steal_share,omitempty"`
	// Lateness of the starts against their due instants, over LatenessOf requests; nil if no due instant is known.
	LatenessP50 *int64 `json:"lateness_p50_ns"`
	LatenessP99 *int64 `json:"lateness_p99_ns"`
	LatenessMax *int64 `json:"lateness_max_ns"`
	LatenessOf  int64  `json:"lateness_of"`
	Pressure
}

func (*Run) lineType() string       { return "run" }
func (*Client) lineType() string    { return "client" }
func (*Request) lineType() string   { return "request" }
func (*Dropped) lineType() string   { return "dropped" }
func (*Stage) lineType() string     { return "stage" }
func (*Server) lineType() string    { return "server" }
func (*Heartbeat) lineType() string { return "heartbeat" }
func (*Session) lineType() string   { return "session" }
func (*End) lineType() string       { return "end" }

// Append appends the line as one JSON object without a line break. It fails only on a value that JSON cannot hold, such
// as NaN.
func Append(dst []byte, line Line) ([]byte, error) {
	if r, ok := line.(*Request); ok {
		return appendRequest(dst, r)
	}
	body, err := json.Marshal(line)
	if err != nil {
		return dst, fmt.Errorf("encoding a %s line: %w", line.lineType(), err)
	}
	kind := line.lineType()
	dst = slices.Grow(dst, len(`{"type":"",`)+len(kind)+len(body))
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `",`...)
	return append(dst, body[1:]...), nil
}

// Parse reads one line. A line of an unknown type is an error that names the type.
func Parse(data []byte) (Line, error) { return new(Decoder).Parse(data) }

func newLine(kind string) Line {
	switch kind {
	case "run":
		return new(Run)
	case "client":
		return new(Client)
	case "request":
		return new(Request)
	case "dropped":
		return new(Dropped)
	case "stage":
		return new(Stage)
	case "server":
		return new(Server)
	case "heartbeat":
		return new(Heartbeat)
	case "search":
		return new(Search)
	case "session":
		return new(Session)
	case "mark":
		return new(Mark)
	case "end":
		return new(End)
	}
	return nil
}
