package llm

import (
	"errors"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// An exception of the module that no script catches is a message with a position in the user's script, and others keep
// their stacks.
func TestExceptionsAreLoggedWithoutTheirStacks(t *testing.T) {
	t.Parallel()
	const ours = `unknown Client option "base_url", did you mean "baseURL"?`
	_ = asPrintable(errors.New(ours))
	for _, tt := range []struct{ name, exception, want string }{
		{"in a function", "GoError: " + ours + "\n\tat mk (file:///x/a.js:2:24(5))\n\tat file:///x/a.js:3:13(15)\n",
			ours + " (at /x/a.js:2:24)"},
		{"by a method", "GoError: " + ours + "\n\tat github.com/a/llm.(*M).newClient.func1 (native)\n" +
			"\tat default (file:///x/a b.js:3:36(6))\n", ours + " (at /x/a b.js:3:36)"},
		{"by the settings", "GoError: " + ours + "\n\tat client (file:///x/settings.js:57:10(59))\n" +
			"\tat file:///x/sharegpt.js:10:31(19)\n", ours},
		{"of the settings", "Error: STAGES is rate@duration\n\tat file:///x/settings.js:35:13(39)\n" +
			"\tat map (native)\n\tat file:///x/sharegpt.js:13:40(42)\n", "STAGES is rate@duration"},
		{"without a stack", "GoError: " + ours, ours},
		{"of the script", "TypeError: a is undefined\n\tat file:///x/a.js:3:13(15)\n", ""},
		{"of the script, called by the settings", "Error: no\n\tat file:///x/a.js:3:13(15)\n" +
			"\tat map (file:///x/settings.js:35:13(39))\n", ""},
		{"of another module", "GoError: stat x: no such file\n\tat open (native)\n\tat file:///x/a.js:3:13(15)\n", ""},
	} {
		entry := &logrus.Entry{Message: tt.exception,
			Data: logrus.Fields{"hint": "script exception", "source": "stacktrace"}}
		if err := (complaints{}).Fire(entry); err != nil {
			t.Fatal(err)
		}
		want := tt.want
		if want == "" {
			want = tt.exception
		}
		if entry.Message != want || (entry.Data["source"] == nil) != (tt.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tt.name, entry.Message, entry.Data, want)
		}
	}
}

// What a script catches has the message alone, as before.
func TestExceptionsCanBeCaught(t *testing.T) {
	t.Parallel()
	got := newVU(t, New()).run(t, `(() => { try { new Client({base_url: 'x'}) } catch (e) { return e.message } })()`)
	if !strings.HasPrefix(got.String(), `unknown Client option "base_url"`) {
		t.Errorf("got %q", got)
	}
}
