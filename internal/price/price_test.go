package price_test

import (
	"strings"
	"testing"

	"github.com/seed-307b789f/xk6-llm/internal/price"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]price.Price{
		"98.32 USD/h": {98.32, "USD"}, "4 EUR x8": {32, "EUR"}, " 4.5  EUR/h  x2 ": {9, "EUR"}, "12 €/h": {12, "€"},
		"12.5 USD": {12.5, "USD"}, "3 USD/hour": {3, "USD"}, "3 USD / h x2": {6, "USD"}, "2 US$/h": {2, "US$"},
	} {
		if got, err := price.Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "is no price", "12": "is no price", "USD 12": "no amount", "0 USD": "above 0", "-1 USD": "above 0",
		"inf USD": "no amount", "NaN USD": "no amount", "1 USD x0": "number of devices", "1 USD yearly": "is no price",
		"1 1000": "no currency", "1e308 USD x99": "no amount", "1 " + strings.Repeat("x", 99): "no currency",
		"300 USD/d":    `unknown unit "/d": write the price of an hour, as in 300 USD/h`,
		"12.5 USD/day": `unknown unit "/day": write the price of an hour, as in 12.5 USD/h`,
		"12.5 USD/h/d": `unknown unit "/h/d"`, "9 USD/month x8": `unknown unit "/month"`,
		"9 USD/": "a unit is missing", "9 USD/h x8 x8": "is no price", "9 USD/h 8": "is no price",
		"1 USD:h": "no currency", "1 USD\u00ad": "no currency", "9 USD per hour": "is no price",
		"/h": "is no price", "9 /h": "is no price",
	} {
		if got, err := price.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestParseRatio(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]price.Ratio{
		"prompt=1,cached=0.1,completion=4": {1, 0.1, 4}, "completion=4, prompt=1": {1, 1, 4},
		"prompt=1,cached=0,completion=2": {1, 0, 2},
	} {
		if got, err := price.ParseRatio(text); err != nil || got != want {
			t.Errorf("ParseRatio(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "unknown kind", "prompt=1": "above 0", "prompt=x,completion=1": "no number", "output=1": "unknown kind",
		"prompt=-1,completion=1": "no number", "prompt=0,completion=1": "above 0",
	} {
		if got, err := price.ParseRatio(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRatio(%q) = %v, %v, want an error with %q", text, got, err, want)
		}
	}
}
