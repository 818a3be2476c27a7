package tagged

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The forms of plain scalars in YAML 1.1 as Python's loader reads them. A float needs a point, and a sign in the
// exponent: 1e3 is a string, which a field of a number still accepts.
var (
	boolForm  = regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)
	nullForm  = regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)
	intForm   = regexp.MustCompile(`^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$`)
	int60Form = regexp.MustCompile(`^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$`)
	floatForm = regexp.MustCompile(
		`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)$`)
	flt60Form = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$`)
	infForm   = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	dateForm  = regexp.MustCompile(`^\d{4}-(?:\d\d-\d\d|\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ ` +
		`\t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)$`)
)

// resolve returns the value of a plain scalar.
func resolve(text string) *Value {
	v := &Value{Kind: TextKind, Text: text}
	switch {
	case len(text) > 400: // only a string is this long, and matching numbers takes time
	case nullForm.MatchString(text):
		v.Kind = NullKind
	case boolForm.MatchString(text):
		v.Kind, v.yes = BoolKind, strings.ContainsAny(text[:1], "yYtT") || strings.EqualFold(text, "on")
	case intForm.MatchString(text):
		v.setWhole(wholeNumber(text))
	case int60Form.MatchString(text):
		v.setWhole(sexagesimal(text))
	case floatForm.MatchString(text):
		v.Kind = FloatKind
		v.real, _ = strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64) // an infinity when out of range
	case flt60Form.MatchString(text):
		v.Kind, v.real = FloatKind, sexagesimalFloat(text)
	case infForm.MatchString(text):
		v.Kind = FloatKind
		v.real, _ = strconv.ParseFloat(strings.Replace(text, ".", "", 1), 64) // ParseFloat knows inf and nan
	case dateForm.MatchString(text):
		v.Kind = DateKind
	}
	return v
}

func (v *Value) setWhole(n *big.Int) {
	if n == nil {
		return // 0x_ and the like match the form of a number but have no digits
	}
	v.Kind, v.huge = IntKind, !n.IsInt64()
	v.whole = n.Int64()
	v.real, _ = new(big.Float).SetInt(n).Float64()
}

// wholeNumber reads the binary, octal (a leading zero), hexadecimal and decimal forms.
func wholeNumber(text string) *big.Int {
	digits := strings.ReplaceAll(text, "_", "")
	n, ok := new(big.Int).SetString(digits, 0)
	if !ok {
		return nil
	}
	return n
}

// sexagesimal reads 1:30 as 90.
func sexagesimal(text string) *big.Int {
	text = strings.ReplaceAll(text, "_", "")
	digits := strings.TrimLeft(text, "+-")
	sum := new(big.Int)
	for part := range strings.SplitSeq(digits, ":") {
		n, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil
		}
		sum.Add(sum.Mul(sum, big.NewInt(60)), n)
	}
	if strings.HasPrefix(text, "-") {
		sum.Neg(sum)
	}
	return sum
}

func sexagesimalFloat(text string) float64 {
	text = strings.ReplaceAll(text, "_", "")
	var sum float64
	for part := range strings.SplitSeq(strings.TrimLeft(text, "+-"), ":") {
		x, _ := strconv.ParseFloat(part, 64) // digits and at most a point
		sum = sum*60 + x
	}
	if strings.HasPrefix(text, "-") {
		return -sum
	}
	return sum
}

// numberText matches a number in a string: decimal only, with single underscores between digits.
var numberText = regexp.MustCompile(`^[-+]?(?:\d+(?:_\d+)*)?(?:\.(?:\d+(?:_\d+)*)?)?(?:[eE][-+]?\d+(?:_\d+)*)?$`)

// wholeText matches a number whose fraction, if any, has only zeros.
var wholeText = regexp.MustCompile(`^[-+]?\d+(?:_\d+)*(?:\.0+)?$`)

// Int converts the value to a whole number. It reports false if there is a loss.
func (v *Value) Int() (int64, bool) {
	switch v.Kind {
	case BoolKind:
		if v.yes {
			return 1, true
		}
		return 0, true
	case IntKind:
		return v.whole, !v.huge
	case FloatKind:
		const limit = 1 << 63
		whole := v.real == math.Trunc(v.real) && v.real >= -limit && v.real < limit
		if !whole {
			return 0, false
		}
		return int64(v.real), true
	case TextKind:
		text := strings.TrimSpace(v.Text)
		if !wholeText.MatchString(text) {
			return 0, false
		}
		text, _, _ = strings.Cut(strings.ReplaceAll(text, "_", ""), ".")
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	return 0, false
}

// Float converts the value to a finite number. It reports false if that is impossible.
func (v *Value) Float() (float64, bool) {
	x := v.real
	switch v.Kind {
	case BoolKind:
		x = 0
		if v.yes {
			x = 1
		}
	case IntKind, FloatKind:
	case TextKind:
		text := strings.TrimSpace(v.Text)
		if len(text) > 400 || !numberText.MatchString(text) {
			return 0, false
		}
		var err error
		if x, err = strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	return x, !math.IsInf(x, 0) && !math.IsNaN(x)
}

// Bool converts the value to a boolean. It reports false in ok if that is impossible.
func (v *Value) Bool() (yes, ok bool) {
	switch v.Kind {
	case BoolKind:
		return v.yes, true
	case IntKind, FloatKind:
		return v.real == 1, v.real == 0 || v.real == 1
	case TextKind:
		switch strings.ToLower(v.Text) {
		case "1", "on", "t", "true", "y", "yes":
			return true, true
		case "0", "off", "f", "false", "n", "no":
			return false, true
		}
	}
	return false, false
}

// floatText returns a number as Python's YAML writes it: always with a point, so that it is read back as a float.
func floatText(x float64) string {
	switch {
	case math.IsInf(x, 0) || math.IsNaN(x): // no key accepts them, but free data may hold them
		return strings.Replace(strings.Replace(strconv.FormatFloat(x, 'f', -1, 64), "+", "", 1), "Inf", ".inf", 1)
	case x != 0 && (math.Abs(x) < 1e-4 || math.Abs(x) >= 1e16):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
		return withPoint(mantissa) + "e" + exponent
	}
	return withPoint(strconv.FormatFloat(x, 'f', -1, 64))
}

func withPoint(text string) string {
	if strings.Contains(text, ".") {
		return text
	}
	return text + ".0"
}
