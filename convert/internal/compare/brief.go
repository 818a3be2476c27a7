package compare

import "fmt"

// briefNames are the figures that a brief table shows.
var briefNames = []string{"p99(ttft)", "p99(itl)", "p99(request_latency)", "requests_per_sec", "inputs_per_sec",
	"p99(time_to_first_audio)", "images_per_sec", "videos_per_sec", "audios_per_sec",
	"output_tokens_per_sec", "failures", "goodput", "p99(session_duration)", "session_failures"}

// brief returns the figures that a brief table shows: briefNames, those of the gates, and headline figures that are
// better or worse, or whose intervals say so, or that leave the answer open.
func (r *Result) brief() (list []Metric) {
	shown := map[string]bool{}
	for _, name := range briefNames {
		shown[name] = true
	}
	for _, g := range r.Gates {
		shown[g.Metric] = true
	}
	for _, m := range r.Metrics {
		changed := m.Headline && (m.Verdict == Better || m.Verdict == Worse || m.doubted() || m.opens != "")
		if shown[m.Name] && (m.Base != nil || m.New != nil) || changed {
			list = append(list, m)
		}
	}
	return list
}

// hidden says what a brief text leaves out, and returns "" if it leaves out nothing.
func hidden(r *Result, shown int) string {
	text := ""
	if n := len(r.Metrics) - shown; n > 0 {
		text = fmt.Sprintf("%d more figures", n)
	}
	if n := len(r.Stages); n > 0 {
		if text != "" {
			text += " and "
		}
		text += fmt.Sprintf("%d stages", n)
	}
	if text != "" {
		text += ": --all"
	}
	return text
}
