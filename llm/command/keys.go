package command

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// addKeys adds a hidden flag for each key of the schema, for its older names, and for each section, which is given as
// JSON. There are too many for the help text. What is given is added to given.
func addKeys(flags *pflag.FlagSet, given *[]config.Override) {
	add := func(name, usage string, set func(value string) error) {
		if flags.Lookup(name) == nil {
			flags.Func(name, usage, set)
			_ = flags.MarkHidden(name) // never fails: the flag exists
		}
	}
	var names []string
	for _, key := range config.Keys() {
		for _, name := range append([]string{key.Name}, key.Aliases...) {
			names = append(names, name)
			add(name, key.Type, func(value string) error {
				*given = append(*given, config.Override{Key: name, Value: value})
				return nil
			})
		}
	}
	for _, section := range sections(names) {
		add(section, "JSON", func(value string) error {
			members, err := flatten(section, value, names)
			*given = append(*given, members...)
			return err
		})
	}
}

// sections returns the sections that hold the named keys.
func sections(names []string) (list []string) {
	for _, name := range names {
		for i := range name {
			if name[i] == '.' && !slices.Contains(list, name[:i]) {
				list = append(list, name[:i])
			}
		}
	}
	return list
}

// flatten turns a section given as JSON into overrides of the keys in it. Its errors show no value.
func flatten(section, text string, keys []string) (list []config.Override, err error) {
	if strings.TrimSpace(text) == "null" {
		return []config.Override{{Key: section, Value: "null"}}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return nil, fmt.Errorf("needs a JSON object, or a key of the section, such as --%s",
			keys[slices.IndexFunc(keys, func(key string) bool { return strings.HasPrefix(key, section+".") })])
	}
	for name, raw := range members {
		key := section + "." + name
		if !slices.Contains(keys, key) && slices.ContainsFunc(keys, func(k string) bool {
			return strings.HasPrefix(k, key+".")
		}) {
			inner, err := flatten(key, string(raw), keys)
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
			continue
		}
		list = append(list, config.Override{Key: key, Value: plainText(raw)})
	}
	slices.SortFunc(list, func(a, b config.Override) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// plainText returns a JSON text without its quotes, and other JSON as it is.
func plainText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// overridden reports whether the key, or a key below it, is among the overrides.
func overridden(list []config.Override, key string) bool {
	return slices.ContainsFunc(list, func(o config.Override) bool {
		return o.Key == key || strings.HasPrefix(o.Key, key+".")
	})
}
