// Package price reads what a deployment costs per hour, and how the cost is to be shared out between kinds of tokens.
package price

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Price is what the whole deployment costs for an hour. The zero value is none.
type Price struct {
	PerHour  float64 // above 0
	Currency string  // as it was written, such as USD
}

// longest is the length of the longest name of a currency.
const longest = 12

// example is how a price is written.
const example = "98.32 USD/h, or 4.10 EUR/h x8"

// Parse reads a price: an amount, a currency, /h if one likes, and x8 for eight of the same. No other unit of time is
// taken.
//
//	98.32 USD/h    4.10 EUR x8
func Parse(text string) (Price, error) {
	money, unit, times, err := split(text)
	if err != nil {
		return Price{}, err
	}
	fields := strings.Fields(money)
	if len(fields) != 2 {
		return Price{}, fmt.Errorf("%q is no price; write an amount and a currency, as in %s", text, example)
	}
	amount, err := strconv.ParseFloat(fields[0], 64)
	switch {
	case err != nil || math.IsNaN(amount) || math.IsInf(amount*times, 0):
		return Price{}, fmt.Errorf("%q is no amount of money, as in 98.32", fields[0])
	case !(amount > 0):
		return Price{}, fmt.Errorf("a price must be above 0, got %s", fields[0])
	case len(fields[1]) > longest || strings.ContainsFunc(fields[1], notOfACurrency):
		return Price{}, fmt.Errorf("%q is no currency, as in USD", fields[1])
	case unit != "" && unit != "h" && unit != "hour":
		return Price{}, fmt.Errorf("unknown unit %q: write the price of an hour, as in %s %s/h", "/"+unit, fields[0],
			fields[1])
	}
	return Price{PerHour: amount * times, Currency: fields[1]}, nil
}

// split takes the unit of time, without its stroke, and the number of devices, 1 without one, from a price.
func split(text string) (money, unit string, times float64, err error) {
	money, rest, slash := strings.Cut(text, "/")
	fields := strings.Fields(money)
	if slash {
		fields = strings.Fields(rest)
		if len(fields) == 0 {
			return "", "", 0, fmt.Errorf("%q is no price: a unit is missing after /, as in %s", text, example)
		}
		unit, fields = fields[0], fields[1:]
	} else if len(fields) == 3 {
		money, fields = strings.Join(fields[:2], " "), fields[2:]
	} else {
		return money, "", 1, nil
	}
	switch {
	case len(fields) == 0:
		return money, unit, 1, nil
	case len(fields) > 1 || !strings.HasPrefix(fields[0], "x"):
		return "", "", 0, fmt.Errorf("%q is no price; write an amount and a currency, as in %s", text, example)
	}
	count, err := strconv.Atoi(fields[0][1:])
	if err != nil || count < 1 {
		return "", "", 0, fmt.Errorf("%q is no number of devices, as in 4.10 EUR/h x8", fields[0])
	}
	return money, unit, float64(count), nil
}

// notOfACurrency reports whether a character is neither a letter nor the sign of a currency.
func notOfACurrency(c rune) bool { return !unicode.IsLetter(c) && !unicode.Is(unicode.Sc, c) }

// Ratio holds how many times as dear as each other the kinds of tokens are. The zero value is none.
type Ratio struct{ Prompt, Cached, Completion float64 }

// ParseRatio reads a ratio such as prompt=1,cached=0.1,completion=4. Cached may be left out if prompts found in the
// cache cost as much as others.
func ParseRatio(text string) (r Ratio, err error) {
	r.Cached = math.NaN()
	weights := map[string]*float64{"prompt": &r.Prompt, "cached": &r.Cached, "completion": &r.Completion}
	for part := range strings.SplitSeq(text, ",") {
		name, digits, _ := strings.Cut(strings.TrimSpace(part), "=")
		weight, known := weights[name]
		if !known {
			return r, fmt.Errorf("unknown kind of token %q, known are prompt, cached, completion, as in "+
				"prompt=1,cached=0.1,completion=4", name)
		}
		if *weight, err = strconv.ParseFloat(digits, 64); err != nil || !(*weight >= 0) || math.IsInf(*weight, 0) {
			return r, fmt.Errorf("%s: %q is no number from 0, as in %s=1", name, digits, name)
		}
	}
	if math.IsNaN(r.Cached) {
		r.Cached = r.Prompt
	}
	if !(r.Prompt > 0) || !(r.Completion > 0) {
		return r, errors.New("prompt and completion must be above 0, as in prompt=1,cached=0.1,completion=4")
	}
	return r, nil
}

// Shared is a price and how the kinds of tokens share it. The zero value is no price.
type Shared struct {
	Price
	Ratio *Ratio // nil means that they do not share it
}

// ParseBoth reads a price and a ratio, either of which may be "". The error begins with the name of the option that is
// wrong, price or price_ratio.
func ParseBoth(text, ratio string) (s Shared, err error) {
	if text != "" {
		if s.Price, err = Parse(text); err != nil {
			return s, fmt.Errorf("price: %w", err)
		}
	}
	switch {
	case ratio == "":
		return s, nil
	case text == "":
		return s, errors.New("price_ratio: it shares out a price, which is missing: give one, such as 98.32 USD/h")
	}
	shares, err := ParseRatio(ratio)
	if err != nil {
		return s, fmt.Errorf("price_ratio: %w", err)
	}
	s.Ratio = &shares
	return s, nil
}
