package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/deal"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
)

// mixPart is a file of prompts and its share of a mix.
type mixPart struct {
	Share  float64 `json:"share"`
	Label  string  `json:"label"`
	Type   string  `json:"type"`
	Path   string  `json:"path"`
	Column string  `json:"column,omitempty"`
}

// filePart matches the beginning of a list of files with shares: a name, which may have commas, and its share.
var filePart = regexp.MustCompile(`^(.+?)@([0-9]*\.?[0-9]+%?)(?:,|$)`)

// mixOf reads the files of a mix and their shares, chat.json@0.7,rag.jsonl@0.3. It returns none if the text is the name
// of one file.
func mixOf(text string) (parts []mixPart, err error) {
	if _, err := os.Stat(text); err == nil || !strings.ContainsAny(text, "@,") {
		return nil, nil
	}
	for rest := text; rest != ""; {
		m := filePart.FindStringSubmatch(rest)
		if m == nil {
			if parts == nil && !strings.Contains(rest, ",") {
				return nil, nil // a name with an @, of no file
			}
			return nil, noShare(rest)
		}
		if name, _, several := strings.Cut(m[1], ","); several && !exists(m[1]) {
			return nil, noShare(name)
		}
		share, err := traffic.ParseShare(m[2])
		if err != nil {
			return nil, fmt.Errorf("%q is no share of %s", m[2], m[1])
		}
		parts = append(parts, mixPart{Share: share, Label: labelOf(m[1]), Path: m[1]})
		rest = rest[len(m[0]):]
	}
	shares := make([]float64, len(parts))
	for i, part := range parts {
		shares[i] = part.Share
	}
	if _, err := deal.New(0, shares...); err != nil {
		return nil, fmt.Errorf("the shares of %s: %w", text, err)
	}
	return parts, nil
}

func noShare(name string) error {
	name, _, _ = strings.Cut(name, ",")
	return fmt.Errorf("%q has no share: write several files as chat.json@0.7,rag.jsonl@0.3", name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// labelOf returns the label of the requests of a file: its name without the folder and what tells its format.
func labelOf(path string) string {
	name := filepath.Base(path)
	for _, end := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, end)
	}
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// mix sets the keys of a mix of files.
func (s *settings) mix(set func(key, value string), kind string, parts []mixPart) error {
	if _, err := strconv.Atoi(s.output); s.input != "" || s.output != "" && err != nil {
		return fmt.Errorf("--input and a range of --output choose the prompts of one file by their lengths, and " +
			"--prompts names several: write the parts of the mix into a configuration (docs/config.md)")
	}
	for i := range parts {
		parts[i].Type, parts[i].Column = kind, s.column
	}
	text, err := json.Marshal(map[string]any{"parts": parts})
	if err != nil {
		return err
	}
	set("data.type", string(config.MockData)) // whose place the mix takes
	set("x-llm.data", string(text))
	return nil
}

// checkPrompts returns an error for the first file of prompts that is not there.
func (s *settings) checkPrompts() error {
	if s.prompts == "" || s.dataset != "" { // data sets may be of the hub
		return nil
	}
	parts, err := mixOf(s.prompts)
	if err == nil && parts == nil {
		parts = []mixPart{{Path: s.prompts}}
	}
	for _, part := range parts {
		if _, err := os.Stat(part.Path); err != nil {
			return fmt.Errorf("--prompts: %w", err)
		}
	}
	return err
}

// mixed reports whether a flag of the configuration's key has the parts of a mix.
func mixed(dotted []config.Override) bool {
	return slices.ContainsFunc(dotted, func(o config.Override) bool {
		return o.Key == "x-llm.data" && strings.HasPrefix(o.Value, "{")
	})
}
