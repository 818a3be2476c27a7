package study

import "testing"

func TestMessagesOfLogs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`time="2026-11-30T19:00:00Z" level=error msg="model \"no\" is unknown" source=x`: `model "no" is unknown`,
		`time="2026-11-30T19:00:00Z" level=error msg=stopped`:                            "stopped",
		"plain words": "plain words",
	} {
		if got := message(line); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
