package study

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// refused are the flags of load tests that make no sense in a cell, with the reason.
var refused = map[string]string{
	"out":         "each cell has a directory of its own",
	"force":       "a cell that is done is kept",
	"print":       "cells are run",
	"config":      "it is a key of a workload",
	"config_file": "config is a key of a workload",
	"help":        "k6 x llm bench --help shows it",

	"server.base_url":            "the url of the deployment decides",
	"storage.local_storage.path": "each cell has a directory of its own",
}

// section reads a mapping of flags, which may be missing.
func (r *reader) section(v *value, key string) []Flag {
	if v == nil || v.kind == nullKind || !r.isMapping(v, key) {
		return nil
	}
	return r.flags(v)
}

// flags reads the flags in a mapping, without the keys that have another meaning.
func (r *reader) flags(v *value, except ...string) (list []Flag) {
	set := r.tool.Flags(false)
	for _, m := range v.members {
		if slices.Contains(except, m.key) {
			continue
		}
		f := set.Lookup(m.key)
		if f == nil {
			f = r.tool.Flags(true).Lookup(m.key) // of configurations alone; refused where there is none
		}
		switch why := refused[m.key]; {
		case why != "":
			r.add(m.place, "%s is no flag of a cell: %s", m.key, why)
		case f == nil:
			r.unknown(m.place, "flag", m.key, append(names(set), except...))
		default:
			list = append(list, r.flag(m, f))
		}
	}
	return list
}

// names returns the names of the flags of a set.
func names(set *pflag.FlagSet) (list []string) {
	set.VisitAll(func(f *pflag.Flag) {
		if refused[f.Name] == "" {
			list = append(list, f.Name)
		}
	})
	return list
}

// Types of flags, as pflag names them.
const (
	repeated = "stringArray" // given once for each value
	boolean  = "bool"
	key      = "func" // stands for a key of configurations
)

// flag reads the values of a flag.
func (r *reader) flag(m member, f *pflag.Flag) Flag {
	out := Flag{Name: f.Name, at: m.value.place}
	switch m.value.kind {
	case nullKind:
		out.unset = true
		return out
	case scalarKind:
		out.Texts = []string{m.value.text}
	case listKind:
		out.Texts = r.many(m, f)
	case mappingKind:
		out.Texts = []string{asJSON(m.value)}
	}
	if f.Value.Type() == boolean && !slices.Equal(out.Texts, []string{"true"}) &&
		!slices.Equal(out.Texts, []string{"false"}) {
		r.add(m.value.place, "--%s: expected true or false", f.Name)
	}
	if f.Name == seedFlag {
		if _, err := strconv.ParseInt(m.value.text, 10, 64); err != nil {
			r.add(m.value.place, "--seed: expected a whole number")
		}
	}
	r.open(m, out)
	return out
}

// many returns the texts of a flag that was given a list.
func (r *reader) many(m member, f *pflag.Flag) (texts []string) {
	single := !slices.ContainsFunc(m.value.items, func(v *value) bool { return v.kind != scalarKind })
	for _, item := range m.value.items {
		texts = append(texts, item.text)
	}
	switch kind := f.Value.Type(); {
	case kind == repeated && single:
		return texts
	case kind == key || !single && kind != boolean:
		return []string{asJSON(m.value)}
	}
	return []string{strings.Join(texts, ",")}
}

// asJSON writes a value as JSON.
func asJSON(v *value) string {
	switch v.kind {
	case scalarKind:
		if !v.isText && json.Valid([]byte(v.text)) {
			return v.text
		}
		text, err := json.Marshal(v.text)
		if err != nil { // never: texts can be written
			return "null"
		}
		return string(text)
	case listKind:
		var items []string
		for _, item := range v.items {
			items = append(items, asJSON(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case mappingKind:
		var members []string
		for _, m := range v.members {
			members = append(members, asJSON(&value{kind: scalarKind, text: m.key, isText: true})+":"+asJSON(m.value))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	return "null"
}

// open refuses a secret that the file shows: the command line of a cell has its flags, and everybody can read that.
func (r *reader) open(m member, f Flag) {
	const instead = "write api-key-env: NAME, and put the key into that variable of the environment"
	if f.Name != "api-key-env" && f.Name != "x-llm.api_key_env" && secret.Named(f.Name) {
		r.add(m.place, "%s is a secret, which does not belong in a file: %s", f.Name, instead)
		return
	}
	if f.Name == "header" {
		for _, line := range f.Texts {
			if name, _, _ := strings.Cut(line, ":"); secret.Named(strings.TrimSpace(name)) {
				r.add(m.value.place, "the header %s is a secret, which does not belong in a file: %s",
					plain.Quote(strings.TrimSpace(name)), instead)
			}
		}
	}
	r.hidden(m.value, instead)
}

// hidden refuses secrets inside of a value.
func (r *reader) hidden(v *value, instead string) {
	for _, m := range v.members {
		if secret.Named(m.key) && m.value.kind == scalarKind && m.value.isText {
			r.add(m.place, "%s is a secret, which does not belong in a file: %s", plain.Quote(m.key), instead)
		}
		r.hidden(m.value, instead)
	}
	for _, item := range v.items {
		r.hidden(item, instead)
	}
}

// merged returns flags of which those of later lists replace those of the same name before.
func merged(lists ...[]Flag) (all []Flag) {
	for _, list := range lists {
		for _, f := range list {
			all = slices.DeleteFunc(all, func(o Flag) bool { return o.Name == f.Name })
			all = append(all, f)
		}
	}
	return slices.DeleteFunc(all, func(f Flag) bool { return f.unset })
}

// expandedFlags returns flags with the values of their references.
func expandedFlags(flags []Flag, values map[string]string) []Flag {
	list := slices.Clone(flags)
	for i, f := range list {
		list[i].Texts = nil
		for _, text := range f.Texts {
			list[i].Texts = append(list[i].Texts, expanded(text, values))
		}
	}
	return list
}
