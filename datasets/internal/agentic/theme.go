package agentic

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed themes
var files embed.FS

// knownThemes are the themes, in the words of messages.
const knownThemes = "generic, db2_latency_incident, research_rag, code_change_task"

// theme is what sessions are about: a folder of texts.
type theme struct {
	Root       string              `json:"root"`       // system prompt of the user's agent
	Sub        string              `json:"sub"`        // system prompt of its sub-agents
	Guidelines []string            `json:"guidelines"` // that extend system prompts
	Words      map[string][]string `json:"words"`      // what placeholders of templates stand for
	Documents  []template          `json:"documents"`  // that the user pastes
	Objectives []template          `json:"objectives"`
	FollowUps  []template          `json:"follow_ups"`
	Tasks      []template          `json:"tasks"` // of sub-agents
	Filler     []template          `json:"filler"`
	Summaries  []template          `json:"summaries"`
	Tools      []tool              `json:"tools"`

	shared  *sharedTexts
	defined []json.RawMessage // the definitions of Tools
	kinds   []string          // the keys of Words, in order
}

// sharedTexts are the texts that all themes have.
type sharedTexts struct {
	Delegate []template `json:"delegate"` // asks an agent to hand work to sub-agents
	Final    []template `json:"final"`    // asks an agent for its answer
	Report   []template `json:"report"`   // asks a sub-agent for its report
	Dispatch tool       `json:"dispatch"` // hands work to a sub-agent
	Notes    []string   `json:"notes"`    // on the use of tools
}

// loadShared and loaders read the texts once.
var loadShared = sync.OnceValue(func() *sharedTexts { return read[sharedTexts]("shared") })

var loaders = func() map[string]func() *theme {
	m := map[string]func() *theme{}
	for name := range strings.SplitSeq(knownThemes, ", ") {
		m[name] = sync.OnceValue(func() *theme {
			t := read[theme](name)
			t.shared = loadShared()
			t.kinds = slices.Sorted(maps.Keys(t.Words))
			for i := range t.Tools {
				t.defined = append(t.defined, t.Tools[i].definition(t.Tools[i].Name, t.shared.Notes))
			}
			return t
		})
	}
	return m
}()

// loadTheme returns a theme by its name.
func loadTheme(name string) (*theme, error) {
	load, known := loaders[name]
	if !known {
		return nil, fmt.Errorf("unknown theme %q, known are %s", name, knownThemes)
	}
	return load(), nil
}

// read reads a file of texts, which a test has checked.
func read[T any](name string) *T {
	data, err := files.ReadFile("themes/" + name + ".json")
	if err != nil {
		panic(err)
	}
	texts := new(T)
	if err := json.Unmarshal(data, texts); err != nil {
		panic(fmt.Sprintf("theme %s: %v", name, err))
	}
	return texts
}

// version is what toolAt puts behind the names of further versions.
var version = regexp.MustCompile(`_v[0-9]+$`)

// toolNamed returns a tool by its name in a catalog.
func (t *theme) toolNamed(name string) *tool {
	name = version.ReplaceAllString(name, "")
	for i := range t.Tools {
		if t.Tools[i].Name == name {
			return &t.Tools[i]
		}
	}
	return &t.shared.Dispatch
}

// guidelines returns the sentences that extend system prompts.
func (t *theme) guidelines() []string { return slices.Concat(t.Guidelines, t.shared.Notes) }

// pick returns any of the templates.
func (t *theme) pick(list []template, rng *rand.Rand) template { return list[below(rng, len(list))] }

// scene is what a session says where templates have a placeholder.
type scene map[string]string

// scene draws what a session is about.
func (t *theme) scene(rng *rand.Rand) scene {
	s := make(scene, len(t.kinds))
	for _, kind := range t.kinds {
		s[kind] = t.Words[kind][below(rng, len(t.Words[kind]))]
	}
	return s
}

// template is a text with placeholders:
//
//	{service}   the service that the session is about
//	{service?}  any service
//	{#10-99}    any whole number in these bounds
//	{=query}    the argument "query" of the tool's call
type template []piece

// piece is a text, or a placeholder if kind is not 0.
type piece struct {
	kind      byte // '.', '?', '#' or '='
	text      string
	low, high int
}

// UnmarshalText reads a template.
func (t *template) UnmarshalText(data []byte) error {
	*t = nil
	rest := string(data)
	for rest != "" {
		text, after, found := strings.Cut(rest, "{")
		if text != "" {
			*t = append(*t, piece{text: text})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed {
			return fmt.Errorf("%q: no } after {", data)
		}
		p, err := placeholder(name)
		if err != nil {
			return fmt.Errorf("%q: %w", data, err)
		}
		*t, rest = append(*t, p), after
	}
	return nil
}

// placeholder reads what stands between braces.
func placeholder(name string) (p piece, err error) {
	switch {
	case strings.HasPrefix(name, "#"):
		low, high, _ := strings.Cut(name[1:], "-")
		p.kind = '#'
		if p.low, err = strconv.Atoi(low); err == nil {
			p.high, err = strconv.Atoi(high)
		}
		return p, err
	case strings.HasPrefix(name, "="):
		return piece{kind: '=', text: name[1:]}, nil
	case strings.HasSuffix(name, "?"):
		return piece{kind: '?', text: name[:len(name)-1]}, nil
	}
	return piece{kind: '.', text: name}, nil
}

// write appends the template about a scene, with the arguments of a call, to dst.
func (t template) write(dst []byte, th *theme, s scene, rng *rand.Rand, args map[string]string) []byte {
	for _, p := range t {
		switch p.kind {
		case '.':
			dst = append(dst, s[p.text]...)
		case '?':
			dst = append(dst, th.Words[p.text][below(rng, len(th.Words[p.text]))]...)
		case '#':
			dst = strconv.AppendInt(dst, int64(p.low+below(rng, p.high-p.low+1)), 10)
		case '=':
			dst = append(dst, args[p.text]...)
		default:
			dst = append(dst, p.text...)
		}
	}
	return dst
}
