package convert

import (
	"fmt"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// Videos sums up the successes of the API video, whose answers are videos made by jobs. The latency of a request ends
// when the client sees that the job is done: at most bound later than it was.
type Videos struct {
	Answered
	Videos    int           `json:"videos"`
	VideoRate Maybe         `json:"videos_per_sec"`
	FrameRate Maybe         `json:"frames_per_sec"` // frames made in a second of the run
	Frames    *Distribution `json:"frames_per_video"`
	Seconds   *Distribution `json:"video_seconds"`     // how long videos play
	RealTime  *Distribution `json:"real_time_factor"`  // latency / seconds of the video
	Bound     *Distribution `json:"bound"`             // of latency, seconds
	Share     *Distribution `json:"bound_of_latency"`  // bound / latency
	Polls     *Distribution `json:"polls_per_request"` // questions for the job
	Accepted  *Distribution `json:"time_to_job"`       // until the job was accepted
	Download  *Distribution `json:"download_time"`     // of the video, after the latency
	Server    *Distribution `json:"server_seconds"`    // what servers say that it took
	Unfetched int           `json:"videos_by_address"` // their address alone came
	BySize    []SizeGroup   `json:"by_size"`
}

// newVideos returns the figures of the successes of the API.
func newVideos(g *subset, ok []*run.Request) *Videos {
	v := &Videos{
		Answered: newAnswered(g, ok), Frames: g.sum(ok, videoFrames), Seconds: g.sum(ok, playSeconds),
		RealTime: g.sum(ok, realTimeFactor), Bound: g.sum(ok, pollBound), Share: g.sum(ok, pollShare),
		Polls: g.sum(ok, polls), Accepted: g.sum(ok, timeToJob), Download: g.sum(ok, downloadTime),
		Server: g.sum(ok, serverSeconds), BySize: bySize(g, ok),
	}
	for _, q := range ok {
		for _, m := range answersOf(q) {
			v.Videos++
			if m.URL {
				v.Unfetched++
			}
		}
	}
	v.VideoRate = perSecond(g, float64(v.Videos))
	v.FrameRate = perSecond(g, knownTotal(g, ok, videoFrames))
	return v
}

func videoFrames(_ *subset, q *run.Request) float64 {
	n := 0
	for _, m := range answersOf(q) {
		n += m.Frames
	}
	return someOrUnknown(float64(n))
}

// someOrUnknown returns a figure that is never 0 where it is known.
func someOrUnknown(x float64) float64 {
	if x == 0 {
		return unknown
	}
	return x
}

// pollBound is 0 of an answer that came at once.
func pollBound(_ *subset, q *run.Request) float64 {
	switch {
	case q.LeftOut:
		return unknown
	case q.Media == nil || q.Media.Poll == nil:
		return 0
	}
	return float64(q.Media.Poll.Bound) / 1e6
}

func pollShare(g *subset, q *run.Request) float64 { return pollBound(g, q) / requestLatency(g, q) }

func polls(_ *subset, q *run.Request) float64 {
	if q.Media == nil || q.Media.Poll == nil {
		return 0
	}
	return float64(q.Media.Poll.Count)
}

func timeToJob(_ *subset, q *run.Request) float64 {
	if q.LeftOut || q.Media == nil {
		return unknown
	}
	return someOrUnknown(float64(q.Media.Accepted) / 1e9)
}

func downloadTime(_ *subset, q *run.Request) float64 {
	if q.Media == nil || q.Media.Poll == nil {
		return unknown
	}
	return someOrUnknown(float64(q.Media.Poll.Download) / 1e9)
}

func (v *Videos) rates() []string {
	list := []string{rate(v.VideoRate, 3) + " videos/s"}
	if v.FrameRate > 0 {
		list = append(list, rate(v.FrameRate, 1)+" frames/s")
	}
	return list
}

func (v *Videos) first() string { return middle("RTF", v.RealTime, 1, "") }

func (v *Videos) sentence() string {
	list := []string{plural(v.Videos, "video")}
	if v.RealTime != nil {
		list = append(list, fmt.Sprintf("real-time factor p50 %s (latency by seconds of video)",
			percentileCells(v.RealTime, 1, 50)[0]))
	}
	if v.Bound != nil && v.Bound.Max > 0 {
		list = append(list, fmt.Sprintf("latency too long by at most p50 %s, max %s ms, as jobs are asked for",
			percentileCells(v.Bound, 1000, 50)[0], Digits(float64(v.Bound.Max)*1000)))
	}
	if v.Download != nil {
		list = append(list, fmt.Sprintf("then %s ms to fetch a video", percentileCells(v.Download, 1000, 50)[0]))
	}
	if v.Server != nil {
		list = append(list, fmt.Sprintf("%s s by the server's word", percentileCells(v.Server, 1, 50)[0]))
	}
	return strings.Join(list, ", ")
}

// mostShare is the share of a latency above which the bound of it is worth a warning.
const mostShare = 0.05

func (v *Videos) warn(w *warner) {
	if s := v.Share; s != nil {
		median, _ := s.At(50)
		w.warn(median > mostShare, "the end of a job is known to %.0f %% of its latency at the median: set "+
			"pollInterval to a shorter time", median*100)
	}
	w.warn(v.Unfetched > 0, "of %d of %s the address alone came, which is not fetched", v.Unfetched,
		plural(v.Videos, "video"))
}
