package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
)

// configText returns the overrides as the text of a configuration, which holds *** in the place of secrets.
func configText(overrides []config.Override) ([]byte, error) {
	kinds := map[string]config.Key{}
	for _, key := range config.Keys() {
		kinds[key.Name] = key
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, o := range overrides {
		if o.Key == "data.type" && mixed(overrides) { // in whose place the mix is
			continue
		}
		value, err := valueNode(kinds[o.Key], o)
		if err != nil {
			return nil, err
		}
		place(root, strings.Split(o.Key, "."), value)
	}
	sortSections(root)
	return yaml.Dump(root, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1)) // lists in a line
}

// valueNode returns the value of an override: a text for a key that is one, otherwise what its JSON says.
func valueNode(key config.Key, o config.Override) (*yaml.Node, error) {
	text := &yaml.Node{Kind: yaml.ScalarNode, Value: secret.RedactURL(o.Value)}
	switch {
	case key.Secret:
		text.Value = secret.Mark
		return text, nil
	case key.Type == "string" || key.Choices != nil:
		text.SetString(text.Value)
		return text, nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(o.Value), &fields) == nil {
		shown, _ := secret.Redact(fields)
		raw, err := json.Marshal(shown)
		if err != nil {
			return nil, err
		}
		o.Value = string(raw)
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(o.Value), &document); err != nil || len(document.Content) == 0 {
		return text, nil
	}
	return plainStyle(document.Content[0]), nil
}

// plainStyle writes lists of JSON in a line and drops the quotes that YAML does not need.
func plainStyle(n *yaml.Node) *yaml.Node {
	for _, inner := range n.Content {
		plainStyle(inner)
	}
	if n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	return n
}

// place sets the value at a path of keys, and keeps the order in which keys first came. Where both values are mappings,
// it merges them at every depth, as the load does.
func place(m *yaml.Node, path []string, value *yaml.Node) {
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value != path[0] {
			continue
		}
		switch old := m.Content[i+1]; {
		case len(path) > 1 && old.Kind == yaml.MappingNode:
			place(old, path[1:], value)
		case len(path) == 1 && old.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			for j := 0; j < len(value.Content); j += 2 {
				place(old, []string{value.Content[j].Value}, value.Content[j+1])
			}
		default:
			m.Content[i+1] = value
		}
		return
	}
	name := &yaml.Node{Kind: yaml.ScalarNode, Value: path[0]}
	if len(path) > 1 {
		inner := &yaml.Node{Kind: yaml.MappingNode}
		place(inner, path[1:], value)
		value = inner
	}
	m.Content = append(m.Content, name, value)
}

// sortSections brings the sections of a configuration into the order in which people write them.
func sortSections(root *yaml.Node) {
	order := []string{"server", "api", "tokenizer", "data", "load", "report", "storage", "metrics", "circuit_breakers"}
	type member struct{ name, value *yaml.Node }
	var members []member
	for i := 0; i < len(root.Content); i += 2 {
		members = append(members, member{root.Content[i], root.Content[i+1]})
	}
	rank := func(m member) int {
		if i := slices.Index(order, m.name.Value); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(members, func(a, b member) int { return rank(a) - rank(b) })
	root.Content = nil
	for _, m := range members {
		root.Content = append(root.Content, m.name, m.value)
	}
}

// scriptText returns a script for k6 run that sends the load of the configuration. Without seeded the script draws its
// own seed.
func scriptText(c *config.Config, seeded bool) (string, error) {
	if c.Load.Type == config.TraceSessionReplay {
		return "", errors.New("--print script: sessions are counted when their data is opened: use --print config, " +
			"or write a script as in docs/replay.md")
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if !seeded {
		c.Load.BaseSeed = new(int64(0)) // left out below
	}
	o, err := dropin.NewOptions(c, dir, dropin.Found{})
	if err != nil {
		return "", err
	}
	names, traced := "Client, Dataset, scenarios, summary", dropin.TracePath(c, dir)
	load := loadOptions(o.Load)
	delete(load, "trace")
	if traced != "" {
		names, load["trace"] = "Client, Dataset, scenarios, summary, trace", expression("trace("+quoted(traced)+")")
	}
	load["exec"] = expression("{ client, data }")
	if !seeded {
		delete(load, "seed")
		delete(o.Dataset, "seed")
	}
	trimLengths(o.Dataset)
	maps.DeleteFunc(o.Client, func(name string, value any) bool { return clientDefaults[name] == value })
	if env := c.Own.APIKeyEnv; env != "" {
		o.Client["apiKey"] = expression("__ENV." + env)
	}
	thresholds, err := thresholds(c.Own, o.Client)
	if err != nil {
		return "", err
	}
	client, err := literal(shown(o.Client), 0)
	if err != nil {
		return "", err
	}
	data, err := literal(shown(o.Dataset), 0)
	if err != nil {
		return "", err
	}
	scenario, err := literal(load, 1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(scriptForm, judgedBy(c.Own), names, client, data, scenario, thresholds), nil
}

// judgedBy returns a comment on the SLO of the stages, which the report judges; "" without one. A search judges it
// itself.
func judgedBy(own config.Own) string {
	if own.SLO == "" || own.Search != nil {
		return ""
	}
	return "// The report judges the SLO of each stage: llmconv report run.jsonl --slo " + quoted(own.SLO) + "\n"
}

const scriptForm = `%simport { %s } from 'k6/x/llm';

const client = new Client(%s);
const data = new Dataset(%s);

export const options = {
  scenarios: scenarios(%s),
%s};

// Called only by executors of k6's own: exec sends the items of data without JavaScript.
export default function () {
  client.send(data.next());
}

export function handleSummary(data) {
  return summary(data);
}
`

// clientDefaults are the options of Client that need not be written.
var clientDefaults = map[string]any{"text": false, "ignoreEOS": true, "streaming": true, "api": "chat"}

// shown returns options with *** in the place of secrets.
func shown(o map[string]any) map[string]any {
	fields := map[string]json.RawMessage{}
	for name, value := range o {
		if raw, err := json.Marshal(value); err == nil && !isExpression(value) {
			fields[name] = raw
		}
	}
	redacted, _ := secret.Redact(fields)
	out := maps.Clone(o)
	for name, raw := range redacted {
		out[name] = raw
	}
	return out
}

// loadOptions returns the options of scenarios() that a load stands for: those that are set.
func loadOptions(load arrival.Load) map[string]any {
	text, err := json.Marshal(load)
	if err != nil {
		return nil // a load of numbers and texts can be written
	}
	options := map[string]any{}
	_ = json.Unmarshal(text, &options) // what was just written
	tidy(options)
	usual := "constant"
	if load.Search != nil {
		usual = "poisson"
		delete(options, "drain") // always
	}
	if options["arrival"] == usual {
		delete(options, "arrival")
	}
	return options
}

// tidy removes the members that are null, and the zeros of durations such as 1m0s, at any depth.
func tidy(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if v[name] = tidy(member); member == nil {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = tidy(v[i])
		}
	case string:
		if short, is := strings.CutSuffix(v, "m0s"); is {
			return short + "m"
		}
	}
	return value
}

// trimLengths removes what uniform lengths do not need.
func trimLengths(dataset dropin.Map) {
	for _, name := range []string{"inputDistribution", "outputDistribution"} {
		if lengths, ok := dataset[name].(dropin.Map); ok && lengths["type"] == string(config.Uniform) {
			dataset[name] = dropin.Map{"type": lengths["type"], "min": lengths["min"], "max": lengths["max"]}
		}
	}
}

// expression is JavaScript that is written as it stands.
type expression string

func isExpression(value any) bool {
	_, is := value.(expression)
	return is
}

var bareName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// literal returns a value as JavaScript: objects of more than three members with a line for each, at the given depth.
func literal(value any, depth int) (string, error) {
	switch v := value.(type) {
	case expression:
		return string(v), nil
	case string:
		return quoted(v), nil
	case dropin.Map:
		return objectLiteral(v, depth)
	case map[string]any:
		return objectLiteral(v, depth)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			text, err := literal(item, depth+1)
			if err != nil {
				return "", err
			}
			items[i] = text
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return "", err
	}
	switch plain.(type) {
	case map[string]any, []any, string:
		return literal(plain, depth)
	}
	return string(raw), nil
}

// firstNames are the options that come first, in this order.
var firstNames = []string{"baseURL", "share", "label", "type", "path", "stages", "search", "over",
	"rate", "concurrency"}

func objectLiteral(o map[string]any, depth int) (string, error) {
	names := slices.SortedFunc(maps.Keys(o), func(a, b string) int {
		i, j := slices.Index(firstNames, a), slices.Index(firstNames, b)
		switch {
		case i >= 0 && j >= 0:
			return i - j
		case i >= 0:
			return -1
		case j >= 0:
			return 1
		}
		return strings.Compare(a, b)
	})
	members := make([]string, len(names))
	for i, name := range names {
		text, err := literal(o[name], depth+1)
		if err != nil {
			return "", err
		}
		if !bareName.MatchString(name) {
			name = quoted(name)
		}
		members[i] = name + ": " + text
	}
	if line := "{ " + strings.Join(members, ", ") + " }"; depth > 1 || len(line)+2*depth <= 60 {
		return line, nil
	}
	indent := strings.Repeat("  ", depth)
	return "{\n" + indent + "  " + strings.Join(members, ",\n"+indent+"  ") + ",\n" + indent + "}", nil
}

// quoted returns a text in single quotes.
func quoted(text string) string {
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text can always be written
	inner := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(raw.String()), `"`), `"`)
	return "'" + strings.ReplaceAll(strings.ReplaceAll(inner, `\"`, `"`), "'", `\'`) + "'"
}
