package page

import (
	"fmt"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/convert"
)

// passport returns the beginnings of the hashes that tell what a report was made of, as many digits as Git shows of a
// commit. Of many files of one kind it has the first.
func passport(object gjson.Result) string {
	var parts []string
	counts := map[string]int{}
	add := func(_, file gjson.Result) bool {
		kind, sum := file.Get("kind").String(), file.Get("sha256").String()
		if counts[kind]++; counts[kind] == 1 && sum != "" {
			parts = append(parts, kind+" "+sum[:min(len(sum), 7)])
		}
		return true
	}
	object.Get("records").ForEach(add)
	object.Get("inputs").ForEach(add)
	if sum := object.Get("configuration.sha256").String(); sum != "" {
		parts = append(parts, "config.yaml "+sum[:min(len(sum), 7)])
	}
	return strings.Join(parts, ", ")
}

// audits returns how the checks of a run came out, and what is not as it should be.
func audits(list gjson.Result) string {
	var off []string
	fine := 0
	list.ForEach(func(_, audit gjson.Result) bool {
		switch audit.Get("outcome").String() {
		case convert.AuditOK:
			fine++
		case convert.AuditOff:
			off = append(off, audit.Get("text").String())
		}
		return true
	})
	if len(off) == 0 && fine == 0 {
		return ""
	}
	return strings.Join(append([]string{fmt.Sprintf("%d ok, %d off", fine, len(off))}, off...), "; ")
}
