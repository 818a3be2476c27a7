package prometheus

import "fmt"

// Client holds what the client counted and measured in a window, for comparison with the server's figures.
type Client struct {
	Requests     int     // requests sent, including failed ones
	PromptTokens float64 // of successes
	OutputTokens float64 // of successes
	Parts        []Part  // of the window, as Settings.Cut cuts it; nil makes no intervals
	// In seconds, over successful requests; nil if there is none.
	TTFTMean, TTFTMedian, LatencyMean, LatencyMedian *float64
}

// Comparison is one figure as the server and as the client has it.
type Comparison struct {
	Figure     string   `json:"figure"`
	Unit       string   `json:"unit"`
	Server     *float64 `json:"server"`     // the figure of this name in figures
	Client     *float64 `json:"client"`     // null if the client has none
	Difference *float64 `json:"difference"` // server - client
	// Share is the difference divided by the client's figure.
	Share       *float64 `json:"share"`
	Explanation string   `json:"explanation"`
}

// reconcile compares the server's figures with the client's over the exact window.
func reconcile(figures map[string]Figure, c Client) (list []Comparison) {
	for _, row := range []struct {
		figure, unit string
		client       *float64
		explain      func(difference float64) string
	}{
		{"requests_total", "requests", new(float64(c.Requests)), explainRequests},
		{"prompt_tokens_total", "tokens", new(c.PromptTokens), explainPrompts},
		{"output_tokens_total", "tokens", new(c.OutputTokens), explainOutputs},
		{"time_to_first_token_mean", "seconds", c.TTFTMean, explainTime},
		{"time_to_first_token_median", "seconds", c.TTFTMedian, explainMedian},
		{"request_latency_mean", "seconds", c.LatencyMean, explainTime},
		{"request_latency_median", "seconds", c.LatencyMedian, explainMedian},
	} {
		v := Comparison{Figure: row.figure, Unit: row.unit, Server: figures[row.figure].Value, Client: row.client}
		switch {
		case v.Server == nil:
			v.Explanation = "the server's figure is not known"
		case v.Client == nil:
			v.Explanation = "no request of ours has the figure"
		default:
			v.Difference = new(*v.Server - *v.Client)
			v.Explanation = row.explain(*v.Difference)
			if *v.Client != 0 {
				v.Share = new(*v.Difference / *v.Client)
			}
		}
		list = append(list, v)
	}
	return list
}

func explainRequests(difference float64) string {
	switch {
	case difference > 0:
		return "the server finished more than was sent: other clients, requests that began before the window, or " +
			"attempts whose answer was lost and that were repeated"
	case difference < 0:
		return "the server finished fewer than were sent: failed ones it does not count, those it had not finished, " +
			"or those of which its last scrape did not know yet"
	}
	return "equal"
}

func explainPrompts(difference float64) string {
	switch {
	case difference > 0:
		return "the server counts all requests, of failed ones and of other clients too, and what its chat " +
			"template adds"
	case difference < 0:
		return "the server counts fewer: requests of which its last scrape did not know yet, or the client's " +
			"tokenizer is not the model's"
	}
	return "equal"
}

func explainOutputs(difference float64) string {
	switch {
	case difference > 0:
		return "the server counts all requests, of failed ones and of other clients too, and tokens that are no " +
			"content, such as the end of a sequence"
	case difference < 0:
		return "the server counts fewer: requests of which its last scrape did not know yet, or the client's " +
			"tokenizer is not the model's"
	}
	return "equal"
}

func explainTime(difference float64) string {
	if difference > 0 {
		return "the server's mean is above ours, so it is of other requests too: other clients', or ours that failed"
	}
	return fmt.Sprintf("%.6g s lie outside of what the server measures: the network, connecting, HTTP before and "+
		"after it, and this client", -difference)
}

func explainMedian(float64) string {
	return "the server's median is interpolated between the bounds of a histogram's bucket, and no better than the " +
		"bucket is narrow: the means compare better"
}
