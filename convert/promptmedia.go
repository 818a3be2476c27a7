package convert

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/media"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Media sums up the successes whose requests hold pictures, videos or sounds, be they in a prompt or uploaded. Times
// are seconds.
type Media struct {
	Requests int            `json:"requests"`
	Items    map[string]int `json:"items"`  // by kind
	ByURL    int            `json:"by_url"` // items that the server was to fetch
	// Different counts the items of different bytes: a server may have kept what it made of the others. Null if that
	// is unknown of an item.
	Different *int          `json:"different_items"`
	Body      *Distribution `json:"body_bytes"`   // sizes of the requests' bodies
	Sending   *Distribution `json:"body_sending"` // from the connection until the body was handed to the system
	// SendRate is the bytes of all bodies over the time that they took to send.
	SendRate Maybe `json:"sent_bytes_per_sec"`
	// SendShare is the part of the time to first token, or of the latency of answers without one, that sending took.
	SendShare    Maybe         `json:"sending_share"`
	AfterSending *Distribution `json:"time_to_first_token_after_sending"`
	Tokens       MediaTokens   `json:"tokens"`
	// ByKind has the items of each kind.
	ByKind map[string]MediaKind `json:"by_kind"`
}

// MediaKind sums up the media of a kind.
type MediaKind struct {
	Items     int    `json:"items"`
	Different *int   `json:"different_items"` // nil if an item has no id
	Bytes     *int64 `json:"bytes"`           // of the files; nil if those of an item are unknown
	// Estimated is how many items the model has a rule for, and Tokens what it says of these.
	Estimated int   `json:"items_estimated"`
	Tokens    int64 `json:"estimated"`
}

// kindTally counts the media of a kind.
type kindTally struct {
	MediaKind
	ids map[string]bool // nil if an item has none
}

// add counts an item.
func (k *kindTally) add(m *record.Media) {
	k.Items++
	if m.Tokens > 0 {
		k.Estimated++
		k.Tokens += int64(m.Tokens)
	}
	switch {
	case k.Bytes == nil:
	case m.Bytes == 0 && m.URL:
		k.Bytes = nil
	default:
		*k.Bytes += m.Bytes
	}
	switch {
	case k.ids == nil:
	case m.ID == "":
		k.ids, k.Different = nil, nil
	default:
		k.ids[m.ID] = true
		*k.Different = len(k.ids)
	}
}

// MediaTokens compares the tokens of media that a model's rule estimates with those that the server counts.
type MediaTokens struct {
	Items     int   `json:"items_estimated"`
	Estimated int64 `json:"estimated"`
	// Compared has the kinds of media that can be compared: of successes whose media are all estimated, and whose
	// prompt tokens both the server and, for the text alone, the client counted.
	Compared []MediaCounts `json:"compared"`
}

// MediaCounts compares two counts of the tokens of media of a kind.
type MediaCounts struct {
	Kind      string `json:"kind"` // of all media of each request; severalKinds where these differ
	Requests  int    `json:"requests"`
	Items     int    `json:"items"`
	Server    int64  `json:"by_server"` // inferred: prompt tokens of the usage, less the client's count of the text
	Estimated int64  `json:"estimated"`
	// Difference is what the server counts more than the estimate, for each item.
	Difference Float `json:"difference_per_item"`
}

// mediaDefinition describes the block.
const mediaDefinition = "of the successes whose requests hold media: items by kind; different_items of different " +
	"bytes; body_sending from the connection until the system had the body; sending_share: that time / TTFT " +
	"(or / latency where there is no TTFT), of all together; time_to_first_token_after_sending: TTFT - body_sending; " +
	"tokens: as the model's rule estimates them; by_server is no count but an inference, the prompt tokens of the " +
	"usage less the client's count of the text, as good as the client's tokenizer is the model's; by_kind: the items " +
	"of each kind, with the bytes of their files"

// newMedia returns the figures of the group, and nil if no success has media in its request.
func newMedia(g *subset) *Media {
	if !g.run.HasMedia {
		return nil
	}
	var list []*run.Request
	for _, q := range g.ok {
		if q.Media != nil && len(q.Media.Prompt) > 0 {
			list = append(list, q)
		}
	}
	if list == nil {
		return nil
	}
	m := &Media{
		Requests: len(list), Items: map[string]int{}, ByKind: map[string]MediaKind{},
		Body: g.sum(list, requestSize), Sending: g.sum(list, sending),
		AfterSending: g.sum(list, afterSending), SendRate: Maybe(sendRate(g, list)),
		SendShare: Maybe(sendShare(g, list)),
	}
	m.countItems(list)
	m.Tokens.compare(list)
	return m
}

// sending returns how long the body took to send, which is unknown of other tools.
func sending(_ *subset, q *run.Request) float64 {
	if q.LeftOut || q.Media == nil || q.Media.Sent == 0 {
		return unknown
	}
	return float64(q.Media.Sent) / 1e9
}

// afterSending is unknown without a first token. An answer may begin before its request has ended.
func afterSending(g *subset, q *run.Request) float64 { return max(q.TTFT-sending(g, q), 0) } // NaN if either is

// sendRate returns the bytes per second at which the bodies left, where both are known.
func sendRate(g *subset, list []*run.Request) float64 {
	bytes, seconds := 0.0, 0.0
	for _, q := range list {
		if s := sending(g, q); !math.IsNaN(s) {
			bytes, seconds = bytes+float64(q.Details().BytesSent), seconds+s
		}
	}
	return bytes / seconds
}

// sendShare returns the part of the wait for the first token, or for the answer, that sending took.
func sendShare(g *subset, list []*run.Request) float64 {
	sent, waited := 0.0, 0.0
	for _, q := range list {
		wait := q.TTFT
		if math.IsNaN(wait) {
			wait = requestLatency(g, q)
		}
		if s := sending(g, q); !math.IsNaN(s) && !math.IsNaN(wait) {
			sent, waited = sent+s, waited+wait
		}
	}
	return sent / waited
}

// countItems counts the media, and those of different bytes.
func (m *Media) countItems(list []*run.Request) {
	kinds := map[string]*kindTally{}
	for _, q := range list {
		for i := range q.Media.Prompt {
			item := &q.Media.Prompt[i]
			k := kinds[item.Kind]
			if k == nil {
				k = &kindTally{MediaKind{Different: new(0), Bytes: new(int64(0))}, map[string]bool{}}
				kinds[item.Kind] = k
			}
			k.add(item)
			if item.URL {
				m.ByURL++
			}
		}
	}
	m.Different = new(0)
	for kind, k := range kinds {
		m.Items[kind] = k.Items
		m.Tokens.Items += k.Estimated
		m.Tokens.Estimated += k.Tokens
		switch {
		case m.Different == nil:
		case k.Different == nil:
			m.Different = nil
		default:
			*m.Different += *k.Different
		}
		m.ByKind[kind] = k.MediaKind
	}
}

// all returns how many media there are.
func (m *Media) all() (n int) {
	for _, k := range m.Items {
		n += k
	}
	return n
}

// compare compares the estimates with the server's counts.
func (t *MediaTokens) compare(list []*run.Request) {
	kinds := map[string]*MediaCounts{}
	for _, q := range list {
		kind, estimated := kindOf(q.Media.Prompt)
		d := q.Details()
		if kind == "" || q.Textless || q.ServerPrompt == none || d.ClientPrompt == none {
			continue
		}
		c := kinds[kind]
		if c == nil {
			c = &MediaCounts{Kind: kind}
			kinds[kind] = c
		}
		c.Requests++
		c.Items += len(q.Media.Prompt)
		c.Server += int64(q.ServerPrompt) - (int64(d.ClientPrompt) - estimated) // the client's count has the estimates
		c.Estimated += estimated
	}
	t.Compared = []MediaCounts{}
	for _, kind := range sortedKeys(kinds) {
		c := kinds[kind]
		c.Difference = Float(float64(c.Server-c.Estimated) / float64(c.Items))
		t.Compared = append(t.Compared, *c)
	}
}

// severalKinds stands for a kind where media are of several.
const severalKinds = "several"

// kindOf returns the kind of all media and the sum of their estimates, and "" if one has no estimate.
func kindOf(list []record.Media) (kind string, tokens int64) {
	kind = list[0].Kind
	for i := range list {
		if list[i].Tokens == 0 {
			return "", 0
		}
		if list[i].Kind != kind {
			kind = severalKinds
		}
		tokens += int64(list[i].Tokens)
	}
	return kind, tokens
}

// The words for media of a kind.
var mediaNouns = map[string]string{record.MediaImage: "image", record.MediaVideo: "video", record.MediaAudio: "audio",
	severalKinds: "medium"}

// Bounds of the warnings about media.
const (
	muchSending   = 0.5  // share of the wait for an answer
	wrongEstimate = 0.05 // relative to the server's count
	templateMost  = 40   // tokens that a chat template adds to a request, at most
	leastRepeated = 10   // requests from which on it matters that their media are one and the same
	leastPixels   = 10_000

	// Bytes for a pixel. Photographs take 0.1 and more; what has one colour takes at most 0.024 in PNG, JPEG and WebP,
	// from 320 × 240 pixels on.
	plainPixel = 0.05
	// Of a frame of a video in other forms than images: 8 Mbit/s of 1080 lines are 0.016, and frames of one colour,
	// each written anew, 0.005.
	plainFrame = 0.006
)

// warn warns of figures that say less about the model than they seem to.
func (m *Media) warn(w *warner, g *subset) {
	w.warn(float64(m.SendShare) > muchSending,
		"sending the bodies took %.0f %% of the wait for the first token or the answer (%s bytes/s in each request): "+
			"the link, or how fast the server reads, limits it; see media.time_to_first_token_after_sending",
		100*float64(m.SendShare), Digits(float64(m.SendRate)))
	w.warn(m.Different != nil && *m.Different == 1 && m.Requests >= leastRepeated && m.all() >= leastRepeated,
		"all %d media of the prompts are one and the same: a server that keeps what it made of media had to read it "+
			"once", m.all())
	for _, kind := range [...]string{record.MediaImage, record.MediaVideo} {
		n, of, bound := plainMedia(g, kind)
		w.warn(2*n > of, "%d of %d %ss take less than %g bytes for a pixel, as those of one colour do: they cost less "+
			"to send and to decode than what people send", n, of, kind, bound)
	}
	for _, c := range m.Tokens.Compared {
		c.warn(w, g)
	}
}

// warn warns of an estimate that is far from the server's count.
func (c *MediaCounts) warn(w *warner, g *subset) {
	rule, raw := "its model's rule", false
	for _, q := range g.ok {
		if q.Media == nil || len(q.Media.Prompt) == 0 {
			continue
		}
		if r, known := media.RuleFor(q.Model); known {
			rule = "the rule of " + r.Name
		}
		d := q.Details()
		raw = raw || d.PromptRaw
	}
	off := math.Abs(float64(c.Server - c.Estimated))
	if raw {
		off -= float64(templateMost * c.Requests)
	}
	each := func(n int64) string { return Digits(float64(n) / float64(c.Items)) }
	noun := mediaNouns[c.Kind]
	w.warn(off > wrongEstimate*math.Abs(float64(c.Server)),
		"by the server's usage less the client's count of the text, there are %s tokens %s %s, %s says %s",
		each(c.Server), article(noun), noun, rule, each(c.Estimated))
}

func article(noun string) string {
	if noun == "image" || noun == "audio" {
		return "an"
	}
	return "a"
}

// plainMedia counts the images or videos of prompts that are nearly all of one colour, by their size, and all whose
// size is known. bound is the bytes for a pixel below which the last of them is.
func plainMedia(g *subset, kind string) (n, all int, bound float64) {
	for _, q := range g.ok {
		if q.Media == nil {
			continue
		}
		for i := range q.Media.Prompt {
			m := &q.Media.Prompt[i]
			pixels := m.Pixels() * int64(max(m.Frames, 1))
			if m.Kind != kind || pixels < leastPixels || m.Bytes == 0 {
				continue
			}
			all++
			most := plainPixel
			if kind == record.MediaVideo && !strings.HasSuffix(m.Format, "_frames") {
				most = plainFrame
			}
			if float64(m.Bytes) < most*float64(pixels) {
				n, bound = n+1, most
			}
		}
	}
	return n, all, bound
}

// sentence tells what the media were and how they were sent.
func (m *Media) sentence() string {
	var counts, tokens []string
	bytes, known := int64(0), true
	for _, kind := range [...]string{record.MediaImage, record.MediaVideo, record.MediaAudio} {
		k, has := m.ByKind[kind]
		if !has {
			continue
		}
		count := plural(k.Items, kind)
		if k.Different != nil && *k.Different < k.Items {
			count += fmt.Sprintf(" (%s seen before)", percentOf(k.Items-*k.Different, k.Items))
		}
		counts = append(counts, count)
		if known = known && k.Bytes != nil; known {
			bytes += *k.Bytes
		}
		rule := "no rule for " + kind + "s"
		if k.Estimated > 0 {
			rule = Digits(float64(k.Tokens)/float64(k.Estimated)) + " " + article(kind) + " " + kind
		}
		tokens = append(tokens, rule)
	}
	list := []string{strings.Join(counts, ", ") + " in " + plural(m.Requests, "request")}
	if known {
		list = append(list, megabytes(bytes))
	}
	if m.Sending != nil {
		list = append(list, middle("sending a body took", m.Sending, 1000, " ms"))
	}
	if m.Tokens.Items > 0 {
		list = append(list, "tokens by the model's rule: "+strings.Join(tokens, ", "))
	}
	return strings.Join(list, "; ")
}

// megabytes writes the size of files.
func megabytes(n int64) string {
	if n < 100_000 {
		return Digits(float64(n)/1e3) + " kB"
	}
	return Digits(float64(n)/1e6) + " MB"
}
