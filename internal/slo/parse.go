package slo

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-307b789f/xk6-llm/internal/spelling"
)

// Forms shows how objectives are written, for messages and help texts.
const Forms = "p99(ttft)<500ms, failures<1%, goodput(ttft<500ms,tpot<50ms)>=95%, ttft=500ms"

// Parse reads objectives: lists separated by semicolons, each after the label of the requests that it is about and a
// colon, or of all requests. The objectives of a list are separated by commas. Spaces do not matter, and an empty text
// has no objectives. The bounds of kind Each on a label become one objective. An objective that is given twice counts
// once. Errors are of type *[SyntaxError].
func Parse(text string) (list []Objective, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	column := 0
	for clause := range strings.SplitSeq(text, ";") {
		label, objectives, err := CutLabel(clause, "ttft=500ms")
		at := column + utf8.RuneCountInString(clause) - utf8.RuneCountInString(objectives)
		if err != nil {
			return nil, &SyntaxError{column + 1, strings.TrimSpace(clause), err}
		}
		if list, err = parseList(list, label, objectives); err != nil {
			var fault *SyntaxError
			if errors.As(err, &fault) {
				fault.Column += at
			}
			return nil, err
		}
		column += utf8.RuneCountInString(clause) + 1
	}
	return list, nil
}

// CutLabel cuts a list of objectives, or of what else holds for requests of a label, off the label before it. None of
// them has a colon, but a label can. Errors show the example.
func CutLabel(clause, example string) (label, objectives string, err error) {
	at := strings.LastIndexByte(clause, ':')
	label, objectives = strings.TrimSpace(clause[:max(at, 0)]), clause[at+1:]
	switch {
	case at < 0 && strings.TrimSpace(clause) == "":
		err = errors.New("an objective is missing beside a semicolon")
	case at < 0:
	case label == "":
		err = fmt.Errorf("a label is missing before the colon: write chat: %s", example)
	case strings.ContainsFunc(label, noLabel):
		err = fmt.Errorf("a label stands first, as in chat: %s", example)
	case strings.TrimSpace(objectives) == "":
		err = fmt.Errorf("what is to hold for %q? Write chat: %s", label, example)
	}
	return label, objectives, err
}

// noLabel reports whether a character stands in no label that is written before objectives.
func noLabel(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune("<>=", r) }

// parseList adds the objectives of one label to a list.
func parseList(list []Objective, label, text string) ([]Objective, error) {
	text, columns := dense(text)
	parts, at, err := split(text)
	if err != nil {
		return nil, &SyntaxError{columns[at], text, err}
	}
	for _, part := range parts {
		o, err := parseOne(part)
		if err == nil {
			list, err = add(list, o.Of(label))
		}
		if err != nil {
			var f fault
			errors.As(err, &f) // without one it is the objective as a whole
			return nil, &SyntaxError{columns[at+f.at], part, err}
		}
		at += len(part) + 1
	}
	return list, nil
}

// split cuts a text at its commas, except those within parentheses. With an error it returns the offset of the fault.
func split(text string) (parts []string, at int, err error) {
	depth, from, opened := 0, 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth, opened = depth+1, i
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts, from = append(parts, text[from:i]), i+1
		}
		if depth < 0 || depth > 1 {
			return nil, i, errors.New("a parenthesis too many")
		}
	}
	if depth > 0 {
		return nil, opened, errors.New("a parenthesis is not closed")
	}
	return append(parts, text[from:]), 0, nil
}

// add adds an objective to the list. It joins those of kind Each.
func add(list []Objective, o Objective) ([]Objective, error) {
	at := slices.IndexFunc(list, func(other Objective) bool {
		return other.Label == o.Label && (other.text == o.text || o.Kind == Each && other.Kind == Each)
	})
	if at < 0 {
		return append(list, o), nil
	}
	if o.Kind != Each {
		return list, nil
	}
	each := &list[at]
	if slices.ContainsFunc(each.Bounds, func(b Bound) bool { return b.Latency == o.Bounds[0].Latency }) {
		return nil, fmt.Errorf("%s is given twice", o.Bounds[0].Latency)
	}
	each.Bounds = append(each.Bounds, o.Bounds...)
	each.text += "," + o.text
	return list, nil
}

// form matches the parts of an objective: NAME, (ARGUMENT), SIGN, VALUE.
var form = regexp.MustCompile(`^([^()<>=]*)(\([^()]*\))?([<>=]+)?(.*)$`)

// call matches the name of a percentile.
var call = regexp.MustCompile(`^p(\d{1,3}(?:\.\d{1,6})?)$`)

// pieces are the parts of an objective, and the offsets at which they begin.
type pieces struct {
	name, argument, sign, value string
	argumentAt, signAt, valueAt int
}

func parseOne(text string) (o Objective, err error) {
	if text == "" {
		return o, errors.New("an objective is missing beside a comma")
	}
	m := form.FindStringSubmatch(text)
	if m == nil {
		return o, fmt.Errorf("not an objective; write %s", Forms)
	}
	p := pieces{name: m[1], argument: strings.Trim(m[2], "()"), sign: m[3], value: m[4]}
	p.argumentAt, p.signAt, p.valueAt = len(m[1])+1, len(m[1])+len(m[2]), len(text)-len(m[4])
	switch {
	case m[2] == "" && p.name == "failures":
		o, err = p.failures()
	case m[2] == "":
		o, err = p.each()
	case p.name == "goodput":
		o, err = p.goodput()
	case call.MatchString(p.name):
		o, err = p.percentile()
	default:
		err = p.unknown()
	}
	o.text = text
	return o, err
}

// percentile reads p99(ttft)<500ms.
func (p pieces) percentile() (o Objective, err error) {
	n, err := strconv.ParseFloat(p.name[1:], 64)
	if err != nil || !(n > 0 && n <= 100) {
		return o, fmt.Errorf("%s is no percentile: write p0.1 to p100, as in p99(ttft)<500ms", p.name)
	}
	latency, err := latencyOf(p.argument)
	if err != nil {
		return o, faultAt(p.argumentAt, err)
	}
	whole := p.name + "(" + p.argument + ")"
	if err := p.below(whole, example(latency)); err != nil {
		return o, err
	}
	b := Bound{Latency: latency, Strict: p.sign == "<"}
	b.Limit, err = limit(latency, whole, p.value)
	return Objective{Kind: Percentile, Bounds: []Bound{b}, Share: n / 100}, faultAt(p.valueAt, err)
}

// below refuses another sign than < and <=. An objective says what is to hold, unlike a gate of a comparison.
func (p pieces) below(whole, example string) error {
	switch {
	case p.sign == "<", p.sign == "<=":
		return nil
	case strings.HasPrefix(p.sign, ">"):
		return faultAt(p.signAt, fmt.Errorf("an objective says what is to hold: write %s<%s", whole,
			cmp.Or(p.value, example)))
	}
	if p.sign == "" {
		p.value = ""
	}
	return faultAt(p.signAt, fmt.Errorf("write %s<%s", whole, cmp.Or(p.value, example)))
}

// failures reads failures<1%.
func (p pieces) failures() (o Objective, err error) {
	if err := p.below("failures", "1%"); err != nil {
		return o, err
	}
	share, err := shareOf("failures", p.value, "1%")
	return Objective{Kind: Failures, Share: share, Strict: p.sign == "<"}, faultAt(p.valueAt, err)
}

// goodput reads goodput(ttft<500ms,tpot<50ms)>=95%.
func (p pieces) goodput() (o Objective, err error) {
	whole := "goodput(" + p.argument + ")"
	o.Kind = Goodput
	at := p.argumentAt
	for part := range strings.SplitSeq(p.argument, ",") {
		b, err := boundOf(part)
		if err != nil {
			return o, faultAt(at, err)
		}
		o.Bounds = append(o.Bounds, b)
		at += len(part) + 1
	}
	if p.sign != ">" && p.sign != ">=" {
		return o, faultAt(p.signAt, fmt.Errorf("an objective says what is to hold: write %s>=%s", whole,
			cmp.Or(p.value, "95%")))
	}
	o.Strict = p.sign == ">"
	o.Share, err = shareOf(whole, p.value, "95%")
	return o, faultAt(p.valueAt, err)
}

// boundOf reads a bound within goodput, such as ttft<500ms.
func boundOf(text string) (b Bound, err error) {
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		at = len(text)
	}
	name, sign := text[:at], text[at:]
	value := strings.TrimLeft(sign, "<>=")
	sign = strings.TrimSuffix(sign, value)
	if b.Latency, err = latencyOf(name); err != nil {
		return b, err
	}
	if sign != "<" && sign != "<=" && sign != "=" {
		return b, faultAt(at, fmt.Errorf("write %s<%s", name, cmp.Or(value, example(b.Latency))))
	}
	b.Strict = sign == "<"
	b.Limit, err = limit(b.Latency, name, value)
	return b, faultAt(at+len(sign), err)
}

// each reads ttft=500ms, the bound on each request.
func (p pieces) each() (o Objective, err error) {
	if p.name == "goodput" {
		return o, errors.New("write goodput(ttft<500ms)>=95%, with the bounds that a request keeps")
	}
	latency, err := latencyOf(p.name)
	switch {
	case err != nil && p.bare() != "":
		return o, fmt.Errorf("a percentile has parentheses: write %s<%s", p.bare(), cmp.Or(p.value, "500ms"))
	case err != nil && p.near() != "":
		return o, fmt.Errorf("unknown objective %q: did you mean %s?", p.name, p.near())
	case err != nil:
		return o, fmt.Errorf("%w; other objectives are failures<1%% and goodput(ttft<500ms)>=95%%", err)
	case strings.HasPrefix(p.sign, "<"):
		return o, faultAt(p.signAt, fmt.Errorf("of how many requests? Write p99(%s)%s%s, or %s=%s", p.name, p.sign,
			p.value, p.name, p.value))
	case p.sign != "=":
		return o, faultAt(p.signAt, fmt.Errorf("write %s=%s", p.name, cmp.Or(p.value, example(latency))))
	}
	b := Bound{Latency: latency}
	b.Limit, err = limit(latency, p.name, p.value)
	return Objective{Kind: Each, Bounds: []Bound{b}, Share: KeptFrom}, faultAt(p.valueAt, err)
}

// before and behind match a percentile without its parentheses: p99ttft and ttft_p99.
var (
	before = regexp.MustCompile(`^(p\d{1,3}(?:\.\d{1,6})?)[_.-]?(.+)$`)
	behind = regexp.MustCompile(`^(.+?)[_.-]?(p\d{1,3}(?:\.\d{1,6})?)$`)
)

// bare returns how a percentile is written whose parentheses are missing, or "".
func (p pieces) bare() string {
	name := strings.ToLower(p.name)
	if m := before.FindStringSubmatch(name); m != nil {
		if _, err := latencyOf(m[2]); err == nil {
			return m[1] + "(" + m[2] + ")"
		}
	}
	if m := behind.FindStringSubmatch(name); m != nil {
		if _, err := latencyOf(m[1]); err == nil {
			return m[2] + "(" + m[1] + ")"
		}
	}
	return ""
}

// otherNames are the objectives that other words mean.
var otherNames = map[string]string{"errors": "failures", "error_rate": "failures", "failed": "failures",
	"failure_rate": "failures", "llm_request_failed": "failures", "llm_good": "goodput", "good": "goodput"}

// near returns how an objective without a latency is written whose name was probably meant, or "".
func (p pieces) near() string {
	name, found := otherNames[strings.ToLower(p.name)]
	if !found {
		if name, found = spelling.Nearest(p.name, []string{"failures", "goodput"}); !found {
			return ""
		}
	}
	return map[string]string{"failures": "failures<1%", "goodput": "goodput(ttft<500ms)>=95%"}[name]
}

// unknown returns the error for a name before a parenthesis that is neither goodput nor a percentile.
func (p pieces) unknown() error {
	instead := map[string]string{"max": "p100", "med": "p50", "median": "p50", "avg": "p50", "mean": "p50", "p": "p99"}
	name := strings.ToLower(p.name)
	if known, found := instead[name]; found {
		return fmt.Errorf("%s(%s) says of no share of the requests what holds: write %s(%s)<500ms", p.name, p.argument,
			known, p.argument)
	}
	if near := p.near(); near != "" {
		return fmt.Errorf("unknown objective %q: did you mean %s?", p.name, near)
	}
	return fmt.Errorf("unknown objective %q; write %s", p.name, Forms)
}

// latency is the short name of request_latency.
const latency = "latency"

// shortNames are other names of latencies.
var shortNames = map[string]string{latency: "request_latency", "time_to_first_audio": "first_audio",
	"ttfa": "first_audio", "real_time_factor": "rtf"}

// ofSessions are figures of sessions, by the names that a comparison has for them.
var ofSessions = []string{"session_duration", "tfut", "session_failures"}
