package run

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Key is what requests can be grouped by, such as their labels. [Keys] and [UsualKeys] return keys.
type Key struct {
	Name string
	of   func(*Run, *Traits) string
}

// ByLabel and ByEndpoint are the keys by which a run is grouped unless somebody asks for others, such as ByClient.
var (
	ByClient   = Key{"client", clientOf}
	ByLabel    = Key{"label", func(_ *Run, t *Traits) string { return t.Label }}
	ByEndpoint = Key{"endpoint", endpointOf}
)

// allKeys are the keys in the order in which messages list them.
var allKeys = []Key{
	ByLabel,
	{"scenario", func(_ *Run, t *Traits) string { return LoadName(t.Scenario) }},
	{"model", func(_ *Run, t *Traits) string { return t.Model }},
	ByEndpoint,
	{"adapter", func(_ *Run, t *Traits) string { return t.Adapter }},
	ByClient,
}

// KeyNames returns the names of all keys.
func KeyNames() (names []string) {
	for _, k := range allKeys {
		names = append(names, k.Name)
	}
	return names
}

// Keys returns the keys of the given names, each once, in their order.
func Keys(names []string) ([]Key, error) {
	list := []Key{}
	for _, name := range names {
		at := slices.IndexFunc(allKeys, func(k Key) bool { return k.Name == name })
		if near, ok := spelling.Nearest(name, KeyNames()); at < 0 && ok {
			return nil, fmt.Errorf("unknown key %q: did you mean %s?", name, near)
		}
		if at < 0 {
			return nil, fmt.Errorf("unknown key %q, known are %s", name, strings.Join(KeyNames(), ", "))
		}
		if !slices.ContainsFunc(list, func(k Key) bool { return k.Name == name }) {
			list = append(list, allKeys[at])
		}
	}
	return list, nil
}

// UsualKeys returns the keys by which a run is grouped by itself: the label if requests have labels, and the endpoint
// if they name theirs because their client has several.
func UsualKeys(r *Run) (list []Key) {
	labels, endpoints := false, false
	for _, requests := range [...][]*Request{r.Requests, r.Abandoned} {
		var last *Traits
		for _, q := range requests {
			if q.Traits != last {
				last = q.Traits
				labels, endpoints = labels || last.Label != "", endpoints || last.Endpoint != ""
			}
		}
	}
	if labels {
		list = append(list, ByLabel)
	}
	if endpoints {
		list = append(list, ByEndpoint)
	}
	return list
}

// Of returns what a request of the run has for the key, "" if it has nothing.
func (k Key) Of(r *Run, q *Request) string { return k.of(r, q.Traits) }

// Groups returns the requests by what they have for the key, each group in the order of the given ones. Those of
// nothing are the group "".
func (k Key) Groups(r *Run, requests []*Request) map[string][]*Request {
	names, groups := map[*Traits]string{}, map[string][]*Request{}
	for _, q := range requests {
		name, known := names[q.Traits]
		if !known {
			name = k.of(r, q.Traits)
			names[q.Traits] = name
		}
		groups[name] = append(groups[name], q)
	}
	return groups
}

// madeName is the beginning of the names of the scenarios that scenarios() makes of the stages of one load. A number
// follows.
const madeName = "stage_"

// LoadName returns the name of the load that a scenario belongs to: its own, or one name for all scenarios that
// scenarios() made of the stages of one load.
func LoadName(scenario string) string {
	digits, made := strings.CutPrefix(scenario, madeName)
	if made && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return "load"
	}
	return scenario
}

// endpointOf returns the endpoint that a request names, or else the base URL of its client.
func endpointOf(r *Run, t *Traits) string {
	if t.Endpoint != "" {
		return t.Endpoint
	}
	return clientOption(r, t.Client, "baseURL")
}

// clientOf returns the number of a client, with its label or its base URL.
func clientOf(r *Run, t *Traits) string {
	name := cmp.Or(clientOption(r, t.Client, "label"), clientOption(r, t.Client, "baseURL"))
	return strings.TrimSpace(strconv.Itoa(t.Client) + " " + name)
}

// clientOption returns the text that an option of a client has, "" if it has none or nobody recorded the client.
func clientOption(r *Run, number int, name string) string {
	at, found := slices.BinarySearchFunc(r.Clients, number, func(c *record.Client, n int) int {
		return cmp.Compare(c.Number, n)
	})
	if !found {
		return ""
	}
	text, _ := r.Clients[at].Options[name].(string)
	return text
}
