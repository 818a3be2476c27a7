package benchreport

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// required lists the fields that every file has, and the tags of their values; "" allows any tag.
var required = [...]struct{ path, tag string }{
	{"version", ""}, {"run.uid", ""}, {"run.eid", ""}, {"run.time", ""},
	{"results.request_performance.aggregate.requests.total", "!!int"},
	{"results.request_performance.aggregate.requests.failures", "!!int"},
}

// Parse reads a file of this package or of inference-perf. The fields that both always write must be present; other
// fields need only have the right type. Versions of other schemas and impossible figures are accepted, null means
// absent, and unknown keys are ignored, since the parts of other producers may have been merged in.
func Parse(data []byte) (*Report, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	return ParseNode(&doc)
}

// ParseNode does what [Parse] does for a document that is already decoded.
func ParseNode(doc *yaml.Node) (*Report, error) {
	if len(doc.Content) == 0 {
		return nil, errors.New("the file is empty")
	}
	for _, field := range required {
		node := find(doc.Content[0], strings.Split(field.path, "."))
		switch {
		case node == nil || node.Tag == "!!null":
			return nil, fmt.Errorf("%s is missing", field.path)
		case field.tag != "" && node.Tag != field.tag: // the decoder would cut a fraction off
			return nil, fmt.Errorf("%s is no whole number", field.path)
		}
	}
	r := new(Report)
	if err := doc.Decode(r); err != nil {
		return nil, err
	}
	return r, nil
}

// find returns the node at a path, nil if there is none.
func find(node *yaml.Node, path []string) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if len(path) == 0 {
		return node
	}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == path[0] {
			return find(node.Content[i+1], path[1:])
		}
	}
	return nil
}

// timeFormat is ISO 8601 as Python writes it: with microseconds, which are left out if they are 0.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// MarshalYAML writes the instants in UTC. They are quoted, since YAML would take them for timestamps.
func (w Window) MarshalYAML() (any, error) {
	instant := func(t time.Time) yaml.Node {
		text := strings.Replace(t.UTC().Format(timeFormat), ".000000Z", "Z", 1)
		return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.SingleQuotedStyle, Value: text}
	}
	return struct {
		Start    yaml.Node `yaml:"start"`
		End      yaml.Node `yaml:"end"`
		Duration string    `yaml:"duration"`
	}{instant(w.Start), instant(w.End), "PT" + strconv.FormatFloat(w.Duration.Seconds(), 'f', 3, 64) + "S"}, nil
}

// UnmarshalYAML reads the form that MarshalYAML writes, and also ISO 8601 durations with days, hours and minutes.
func (w *Window) UnmarshalYAML(node *yaml.Node) (err error) {
	var text struct{ Start, End, Duration string }
	if err := node.Decode(&text); err != nil {
		return err
	}
	if w.Start, err = parseInstant(text.Start); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if w.End, err = parseInstant(text.End); err != nil {
		return fmt.Errorf("end: %w", err)
	}
	if w.Duration, err = parseDuration(text.Duration); err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	return nil
}

func parseInstant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time such as 2026-01-02T15:04:05.678901Z", text)
	}
	if year := t.UTC().Year(); year < 1 || year > 9999 { // the zone may carry it out of what can be written
		return time.Time{}, fmt.Errorf("%q is outside of the years 1 to 9999", text)
	}
	return t, nil
}

var durationPattern = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?)?$`)

// parseDuration parses a duration such as PT12.017S. A clock that was set back leads to negative seconds, which are
// accepted here and reported by the check of the report.
func parseDuration(text string) (time.Duration, error) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no duration such as PT12.017S", text)
	}
	seconds := 0.0
	for i, unit := range [...]float64{86400, 3600, 60, 1} {
		if m[i+1] != "" {
			value, _ := strconv.ParseFloat(m[i+1], 64) // digits, as the pattern says; ±Inf where they are too many
			seconds += value * unit
		}
	}
	if !(math.Abs(seconds) < 9e9) { // time.Duration ends a little later
		return 0, fmt.Errorf("%q is too long a duration", text)
	}
	return time.Duration(math.Round(seconds * 1e9)), nil
}
