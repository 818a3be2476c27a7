package jinja

import (
	"maps"
	"strings"
	"testing"
)

// Every template renders or returns an error, within the limits.
func FuzzTemplate(f *testing.F) {
	for _, source := range constructs(f) {
		f.Add(source)
	}
	for source := range endless {
		f.Add(source)
	}
	vars, _ := variables(f)
	f.Fuzz(func(_ *testing.T, source string) { _, _ = renderText(source, vars) })
}

// endless holds templates that would make very much out of little, with the error of each.
var endless = map[string]string{
	"{{ range(10 ** 9) }}": "Range too big",
	"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}": "steps",
	"{{ 'a' * 10 ** 9 }}":                                          "MB",
	"{{ [0] * 10 ** 9 }}":                                          "MB",
	"{{ 'a'.center(10 ** 12) }}":                                   "MB",
	"{{ 'a'.ljust(10 ** 18) }}":                                    "MB",
	"{{ '%99999999d' % 1 }}":                                       "not supported",
	"{{ [1] | tojson(indent=10 ** 9) }}":                           "MB",
	"{{ 'a' | indent(10 ** 9) }}":                                  "MB",
	"{{ 10 ** 10 ** 10 }}":                                         "64 bits",
	"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}":              "nests more",
	"{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}": "nests more",
	"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}":      "nests more",
	"{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x * 2 %}{% endfor %}":              "MB",
	"{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x.replace('', n.x) %}{% endfor %}": "MB",
	"{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}":             "MB",
	"{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}":   "steps",
	"{% set n = namespace(x=[1]) %}{% for i in range(99) %}" +
		"{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}": "steps",
	"{% set n = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] " +
		"%}{% endfor %}{{ n.x == n.y }}": "steps",
	"{% set n = namespace(x=[1]) %}{% for i in range(9999) %}" +
		"{% set n.x = [n.x] %}{% endfor %}{{ n.x }}": "nested too deeply",
	"{% set n = namespace(x=[1]) %}{% for i in range(9999) %}{% set n.x = n.x | map('string') %}{% endfor %}{{ n.x " +
		"| list }}": "nests more",
	"{% for i in range(99999) %}{{ 'a' * 9999 }}{% endfor %}": "MB",
	"{% set x = 'a' * 9999999 %}{% for i in range(99999) %}{{ x == x }}{{ x | length }}{{ 'b' in x }}{{ x[0] }}{% " +
		"endfor %}": "steps",
}

func TestEndless(t *testing.T) {
	endless := maps.Clone(endless)
	endless[strings.Repeat("(", 9999)] = ""
	endless["{{ "+strings.Repeat("(", 9999)+strings.Repeat(")", 9999)+" }}"] = "nested too deeply"
	endless["{{ "+strings.Repeat("not ", 9999)+"1 }}"] = "nested too deeply"
	endless["{{ "+strings.Repeat("-", 9999)+"1 }}"] = "nested too deeply"
	endless["{{ "+strings.Repeat("[", 9999)+strings.Repeat("]", 9999)+" }}"] = "nested too deeply"
	endless[strings.Repeat("{% if 1 %}", 9999)] = "nested too deeply"
	endless["{{ 1"+strings.Repeat(" + 1", 99999)+" }}"] = "nested too deeply"
	endless["{{ x"+strings.Repeat("|string", 99999)+" }}"] = "nested too deeply"
	endless["{% if 0 %}"+strings.Repeat("{% elif 0 %}", 9999)+"{% endif %}"] = "nests more"
	for source, want := range endless {
		_, err := renderText(source, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: got %v, want %s", source, err, want)
		}
	}
}
