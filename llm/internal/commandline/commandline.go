// Package commandline reads from k6's command line and environment what k6 does not expose to modules.
package commandline

import (
	"slices"
	"strings"
)

// RecordsPath returns the path of --out llm=PATH as it was given, or "" without such an output. It looks where k6 does:
// in the arguments, and in the environment if they hold no --out.
func RecordsPath(args []string, lookup func(name string) (string, bool)) string {
	var outs []string
	for i, arg := range args {
		switch {
		case (arg == "--out" || arg == "-o") && i+1 < len(args):
			outs = append(outs, args[i+1])
		case strings.HasPrefix(arg, "--out="):
			outs = append(outs, strings.TrimPrefix(arg, "--out="))
		case strings.HasPrefix(arg, "-o"):
			outs = append(outs, strings.TrimPrefix(strings.TrimPrefix(arg, "-o"), "="))
		}
	}
	if outs == nil {
		list, _ := lookup("K6_OUT")
		outs = strings.Split(list, ",")
	}
	for _, out := range outs {
		if path, found := strings.CutPrefix(out, "llm="); found {
			return path
		}
	}
	return ""
}

// Tags returns the run's tags as name=value. It looks where k6 does: in the arguments, and in the environment if they
// hold no --tag.
func Tags(args []string, lookup func(name string) (string, bool)) (tags []string) {
	for i, arg := range args {
		if tag, ok := strings.CutPrefix(arg, "--tag="); ok {
			tags = append(tags, tag)
		} else if arg == "--tag" && i+1 < len(args) {
			tags = append(tags, args[i+1])
		}
	}
	if tags != nil {
		return tags
	}
	list, _ := lookup("K6_TAGS")
	for pair := range strings.SplitSeq(list, ",") {
		tags = append(tags, strings.Replace(pair, ":", "=", 1))
	}
	return tags
}

// Quiet reports whether the arguments hold k6's --quiet.
func Quiet(args []string) bool { return slices.ContainsFunc(args, isQuiet) }

// isQuiet reports whether an argument is --quiet, alone or among other short flags without a value.
func isQuiet(arg string) bool {
	switch arg {
	case "--quiet", "--quiet=true":
		return true
	}
	short, ok := strings.CutPrefix(arg, "-")
	return ok && strings.Contains(short, "q") && strings.Trim(short, "qvp") == ""
}

// Env returns the names that -e or --env sets in the arguments, in their order.
func Env(args []string) (names []string) {
	for i := 0; i < len(args); i++ {
		arg, value := args[i], ""
		switch {
		case arg == "--":
			return names
		case arg == "-e" || arg == "--env":
			if i++; i == len(args) {
				return names
			}
			value = args[i]
		case strings.HasPrefix(arg, "--env="):
			value = strings.TrimPrefix(arg, "--env=")
		case strings.HasPrefix(arg, "-e"):
			value = strings.TrimPrefix(strings.TrimPrefix(arg, "-e"), "=")
		default:
			continue
		}
		name, _, _ := strings.Cut(value, "=")
		names = append(names, name)
	}
	return names
}
