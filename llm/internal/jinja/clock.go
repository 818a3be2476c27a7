package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftimeLayouts holds the layout of Go for each directive of strftime.
var strftimeLayouts = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon", 'H': "15",
	'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'y': "06", 'e': "_2", 'j': "002", 'F': "2006-01-02", 'T': "15:04:05",
	'D': "01/02/06", 'R': "15:04", 'n': "\n", 't': "\t", 'f': "000000", 'x': "01/02/06", 'X': "15:04:05",
	'c': "Mon Jan _2 15:04:05 2006", 'Z': "", 'z': "", '%': "%",
}

// strftimeNow returns the local time as strftime formats it.
func strftimeNow(_ *render, a callArgs) Value {
	s, now := textOf("strftime_now", a.bind("strftime_now", "format")[0]), time.Now()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		short := i+1 < len(s) && s[i+1] == '-'
		if short {
			i++
		}
		if i++; i == len(s) {
			fail("strftime: the format ends in %%")
		}
		layout, ok := strftimeLayouts[s[i]]
		if !ok || short && !strings.ContainsRune("mdHIMSje", rune(s[i])) {
			fail("strftime: %%%c is not supported", s[i])
		}
		text := now.Format(layout)
		if s[i] == 'f' {
			text = fmt.Sprintf("%06d", now.Nanosecond()/1000)
		}
		if short {
			if text = strings.TrimLeft(text, "0 "); text == "" {
				text = "0"
			}
		}
		b.WriteString(text)
	}
	return b.String()
}
