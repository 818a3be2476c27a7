// Package image makes the root file system of the project's container image without a container engine: Debian by
// debootstrap, what the RUN lines of the Dockerfile's last stage do to it, and what its COPY lines put there.
package image

import (
	"regexp"
	"strings"
)

// Instruction is an instruction of a Dockerfile, with its continued lines joined.
type Instruction struct{ Name, Args string }

// Stage is the part of a Dockerfile that a FROM begins.
type Stage struct {
	From, Name   string
	Instructions []Instruction
}

var (
	comment   = regexp.MustCompile(`(?m)^\s*#.*\n`)
	continued = regexp.MustCompile(`\\\n\s*`)
)

// Stages splits a Dockerfile into its stages.
func Stages(text string) (list []Stage) {
	text = continued.ReplaceAllString(comment.ReplaceAllString(text, ""), "")
	for line := range strings.Lines(text) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "":
		case name == "FROM":
			words := strings.Fields(args)
			s := Stage{From: words[0]}
			if len(words) == 3 && words[1] == "AS" {
				s.Name = words[2]
			}
			list = append(list, s)
		default:
			list[len(list)-1].Instructions = append(list[len(list)-1].Instructions, Instruction{name, args})
		}
	}
	return list
}

// All returns the arguments of each instruction of one kind.
func (s Stage) All(name string) (list []string) {
	for _, i := range s.Instructions {
		if i.Name == name {
			list = append(list, i.Args)
		}
	}
	return list
}

// Env returns the variables that ENV sets.
func (s Stage) Env() []string { return strings.Fields(strings.Join(s.All("ENV"), " ")) }

// Last returns the arguments of the last instruction of a kind, "" if there is none.
func (s Stage) Last(name string) string {
	list := s.All(name)
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}
