package page

import (
	"cmp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// mediaKind is a table of the section on media: of the answers of an API, or of what prompts hold.
type mediaKind struct {
	key, title string // the block of a report, and what it is about
	figures    []mediaFigure
}

// mediaFigure is a figure of a block, with a column for each of its statistics.
type mediaFigure struct {
	name, unit string
	path       string   // in the block; with " / " between two of them a quotient
	of         []string // statistics of a distribution; nil of a number
	show       func(float64) string
	bad        func(float64) bool // reports whether to mark a value; nil marks none
	meaning    string
}

// The statistics of distributions in tables of media.
var (
	spread  = []string{"p50", "p99"}
	middle  = []string{"p50"}
	largest = []string{"max"}
	mean    = []string{"mean"}
)

// statisticMeanings tell what the statistics are, after the meaning of a figure.
var statisticMeanings = map[string]string{"p50": "; median", "p99": "; 99 % of the values are no larger",
	"max": "; the largest", "mean": "; mean"}

const slower = "real-time factor: request latency / seconds of sound; above 1, slower than the sound plays"

// mediaKinds are the tables in their order. Figures that the rest of the page has are of the same names there.
var mediaKinds = []mediaKind{
	{record.APISpeech, "Speech", []mediaFigure{
		{"First audio", "ms", "time_to_first_audio", spread, milliseconds, nil, firstAudio.meaning},
		{"RTF", "", "real_time_factor", spread, digits, above1, slower},
		{"Sound", "s/s", "audio_seconds_per_sec", nil, digits, nil, "seconds of sound made in a second"},
		{"Continuous", "", "players.0.continuity_ok", nil, shareOf1, below1, "share of the sounds of which a player " +
			"that begins with the first bytes misses at most 0.1 s"},
		{"Continuous", "0.1 s ahead", "players.1.continuity_ok", nil, shareOf1, below1, "the same of a player that " +
			"begins when it has 0.1 s of sound"},
		{"Stalled", "", "players.0.requests_stalled", nil, whole, nil, "sounds in which the first of these players " +
			"stood still"},
		{"Missing", "ms", "players.0.missing_seconds", []string{"p99"}, milliseconds, nil, "how long it stood still " +
			"in a sound, all stalls together"},
		{"Longest stall", "ms", "players.0.longest_stall", largest, milliseconds, nil, "how long it stood still at " +
			"once"},
		{"Text", "char/s", "characters_per_sec", nil, digits, nil, "characters spoken in a second"},
	}},
	{record.APITranscription, "Transcription", []mediaFigure{
		{"RTF", "", "real_time_factor", spread, digits, above1, slower},
		{"RTFx", "", "real_time_speed", middle, digits, nil, "seconds of sound / request latency: how many times as " +
			"fast as the sound plays"},
		{"Sound", "s/s", "audio_seconds_per_sec", nil, digits, nil, "seconds of sound written down in a second"},
		{"Sound", "s", "audio_seconds", middle, digits, nil, "length of a file"},
		{"File", "MB", "file_bytes", middle, megabytes, nil, "size of a file"},
		{"Upload", "ms", "uploading", spread, milliseconds, nil, "time that the form took to send"},
		{"After upload", "ms", "latency_after_upload", spread, milliseconds, nil, "request latency less the upload"},
		{"First text", "ms", "time_to_first_text", spread, milliseconds, nil, "from sending to the first text of a " +
			"streamed answer"},
	}},
	{record.APIImage, "Images", []mediaFigure{
		{"Per picture", "s", "seconds_per_picture", spread, digits, nil, "request latency / pictures of the request"},
		{"Pictures", "/s", "pictures_per_sec", nil, digits, nil, "pictures made in a second"},
		{"Megapixels", "/s", "megapixels_per_sec", nil, some(digits), nil, "millions of pixels made in a second"},
		{"Per request", "", "pictures_per_request", mean, digits, nil, "pictures of a request"},
		{"Reading", "ms", "reading_time", spread, milliseconds, nil, "from the first byte of an answer to the last"},
		{"First picture", "ms", "time_to_first_picture", spread, milliseconds, nil, "of streams: from sending to " +
			"the first picture, be it unfinished"},
		{"Server", "s", "server_seconds", middle, digits, nil, "what the server says that a request took"},
		{"Other size", "", "pictures_of_other_size", nil, some(whole), above0, "pictures of another size than asked " +
			"for"},
		{"By address", "", "pictures_by_address", nil, some(whole), nil, "pictures of which the address alone came, " +
			"which is not fetched"},
	}},
	{record.APIVideo, "Videos", []mediaFigure{
		{"Generation", "s", "request_latency", spread, digits, nil, "from sending until the client saw that the " +
			"video was done"},
		{"Bound", "ms", "bound", largest, milliseconds, nil, "the generation may have ended so much earlier than " +
			"the client saw, which asks from time to time"},
		{"RTF", "", "real_time_factor", spread, digits, nil, "request latency / seconds of the video"},
		{"Videos", "/s", "videos_per_sec", nil, digits, nil, "videos made in a second"},
		{"Frames", "/s", "frames_per_sec", nil, some(digits), nil, "frames made in a second"},
		{"Accepted", "ms", "time_to_job", middle, milliseconds, nil, "from sending until the server had taken the job"},
		{"Download", "ms", "download_time", spread, milliseconds, nil, "of the video, after the generation"},
		{"Server", "s", "server_seconds", middle, digits, nil, "what the server says that a request took"},
		{"By address", "", "videos_by_address", nil, some(whole), nil, "videos of which the address alone came, " +
			"which is not fetched"},
	}},
	{"media", "Media in prompts", []mediaFigure{
		{"Images", "", "items." + record.MediaImage, nil, whole, nil, "images in prompts"},
		{"Videos", "", "items." + record.MediaVideo, nil, whole, nil, "videos in prompts"},
		{"Sounds", "", "items." + record.MediaAudio, nil, whole, nil, "sounds in prompts"},
		{"Different", "", "different_items", nil, whole, nil, "media of different bytes: a server may have kept " +
			"what it made of the others"},
		{"By URL", "", "by_url", nil, some(whole), nil, "media that the server was to fetch"},
		{"Body", "MB", "body_bytes", middle, megabytes, nil, "size of the body of a request"},
		{"Sending", "ms", "body_sending", spread, milliseconds, nil, bodySending.meaning},
		{"Sending", "of the wait", "sending_share", nil, shareOf1, aboveHalf, "sending the bodies / the waits for " +
			"the first token, or for answers without one"},
		{"TTFT after sending", "ms", "time_to_first_token_after_sending", spread, milliseconds, nil,
			afterSending.meaning},
		{"Estimate", "tokens each", "tokens.estimated / tokens.items_estimated", nil, digits, nil, "tokens of a " +
			"medium, as the model's rule says"},
		{"Usage", "of the estimate", "tokens.compared.#.by_server / tokens.compared.#.estimated", nil, shareOf1,
			nil, "tokens by the server's usage, less the client's count of the text, in percent of what the rule " +
				"says of the same media"},
	}},
}

func above0(v float64) bool    { return v > 0 }
func above1(v float64) bool    { return v > 1 }
func below1(v float64) bool    { return v < 1 }
func aboveHalf(v float64) bool { return v > 0.5 }

func shareOf1(v float64) string  { return percent(100 * v) }
func megabytes(v float64) string { return digits(v / 1e6) }

// some formats a number that is of interest only if it is not 0.
func some(show func(float64) string) func(float64) string {
	return func(v float64) string {
		if v == 0 {
			return missing
		}
		return show(v)
	}
}

// columns returns the heads of the figure's columns.
func (f *mediaFigure) columns() (list []column) {
	if f.of == nil {
		return []column{{f.name, f.unit, f.meaning}}
	}
	for _, s := range f.of {
		unit := strings.TrimSuffix(s+", "+f.unit, ", ")
		list = append(list, column{f.name, unit, f.meaning + statisticMeanings[s]})
	}
	return list
}

// cells returns the figure's values of a block.
func (f *mediaFigure) cells(block gjson.Result) (list []cell) {
	values := []float64{f.number(block)}
	if f.of != nil {
		values = nil
		for _, s := range f.of {
			values = append(values, figure{paths: []string{f.path}}.statistic(block, s))
		}
	}
	for _, v := range values {
		c := right(f.show(v))
		if f.bad != nil && f.bad(v) {
			c.Class += " bad"
		}
		list = append(list, c)
	}
	return list
}

func (f *mediaFigure) number(block gjson.Result) float64 {
	above, below, quotient := strings.Cut(f.path, " / ")
	if !quotient {
		return number(block.Get(f.path))
	}
	return total(block.Get(above)) / total(block.Get(below))
}

// total returns a number, or the sum of a list of numbers: 0 of an empty one.
func total(v gjson.Result) (sum float64) {
	for _, n := range v.Array() {
		sum += number(n)
	}
	return sum
}

// mediaTables returns a table for each kind of media that the runs have, with a row for each stage.
func mediaTables(runs []Run) (list []*table) {
	for _, kind := range mediaKinds {
		t := &table{ID: "media-" + kind.key, Title: kind.title, Head: []column{{},
			{"Load", "", "requests per second, or at a time, that were to be sent, of all kinds"}}}
		for i := range kind.figures {
			t.Head = append(t.Head, kind.figures[i].columns()...)
		}
		t.Head = append(t.Head, column{"Requests", "", "successes of which the row tells"})
		for i := range runs {
			for _, p := range mediaParts(&runs[i], len(runs) > 1) {
				if block := p.doc.Get("xk6_llm." + kind.key); block.IsObject() && !kind.elsewhere(p.doc) {
					t.Rows = append(t.Rows, kind.row(p, block, runs, i))
				}
			}
		}
		if t.Rows != nil {
			t.dropEmpty()
			list = append(list, t)
		}
	}
	return list
}

// elsewhere reports whether all that the table would show is in the one on transcriptions, whose requests hold media.
func (k *mediaKind) elsewhere(doc gjson.Result) bool {
	files := doc.Get("xk6_llm." + record.APITranscription + ".requests")
	return k.key == "media" && files.Exists() && files.Num == doc.Get("xk6_llm.media.requests").Num
}

// row returns the row of a part of a run.
func (k *mediaKind) row(p part, block gjson.Result, runs []Run, number int) row {
	line := row{Name: p.title(), Run: -1, Cells: numeric(cmp.Or(p.load(), missing))}
	if len(runs) > 1 {
		line.Name, line.Run = runs[number].Name+", "+line.Name, number
	}
	if p.name == wholeRun {
		line.Class, line.Cells[0].Text = "whole", missing
	}
	for i := range k.figures {
		line.Cells = append(line.Cells, k.figures[i].cells(block)...)
	}
	line.Cells = append(line.Cells, numeric(count(block.Get("requests")))...)
	return line
}

// mediaParts returns the stages of a run, and all of it unless it is a search or of one stage.
func mediaParts(r *Run, several bool) []part {
	list := append([]part{}, r.stages...)
	if r.summary.Exists() && len(r.searches) == 0 && (len(r.stages) != 1 || several) {
		list = append(list, part{name: wholeRun, doc: r.summary})
	}
	return list
}
