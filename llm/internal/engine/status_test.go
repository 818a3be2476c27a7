package engine

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/lib"
)

func TestStatusInterval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, option, variable string
		args                   []string
		want                   time.Duration
		err                    string
	}{
		{name: "default", args: []string{"k6", "run", "script.js"}, want: 5 * time.Second},
		{name: "environment", variable: "10s", want: 10 * time.Second},
		{name: "-e goes first", option: "1s", variable: "10s", want: time.Second},
		{name: "off", variable: "off"},
		{name: "quiet", args: []string{"k6", "run", "--quiet", "script.js"}},
		{name: "quiet by equation", args: []string{"k6", "--quiet=true", "run"}},
		{name: "short quiet", args: []string{"k6", "run", "-q"}},
		{name: "quiet and verbose", args: []string{"k6", "run", "-vq"}},
		{name: "a file called q", args: []string{"k6", "run", "q", "-", "--", "-eq=1", "--quiet=false"},
			want: 5 * time.Second},
		{name: "wrong", variable: "often", err: `K6_LLM_STATUS must be off, or an interval such as 10s, got "often"`},
		{name: "wrong and quiet", variable: "0s", args: []string{"-q"},
			err: `K6_LLM_STATUS must be off, or at least 100ms, got "0s"`},
	} {
		env := &common.InitEnvironment{TestPreInitState: &lib.TestPreInitState{
			LookupEnv: func(name string) (string, bool) {
				return tt.variable, name == "K6_LLM_STATUS" &&
					tt.variable != ""
			},
		}}
		if tt.option != "" {
			env.RuntimeOptions.Env = map[string]string{"K6_LLM_STATUS": tt.option}
		}
		got, err := statusInterval(env, tt.args)
		if got != tt.want || tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err) {
			t.Errorf("%s: got %v, %v, want %v, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// A plain-text log gets the line unchanged. Any other log gets it as a message.
func TestStatusLinesGoWhereTheLogGoes(t *testing.T) {
	t.Parallel()
	var text, structured bytes.Buffer
	printer(&logrus.Logger{Out: &text, Formatter: new(logrus.TextFormatter), Level: logrus.InfoLevel})("llm  stage")
	printer(&logrus.Logger{Out: &structured, Formatter: new(logrus.JSONFormatter),
		Level: logrus.InfoLevel})("llm  stage")
	if text.String() != "llm  stage\n" || !strings.Contains(structured.String(), `"msg":"llm  stage"`) {
		t.Errorf("got %q and %q", &text, &structured)
	}
	hooked, hook := logtest.NewNullLogger() // as with --log-output=file=…
	printer(hooked)("llm  stage")
	printer(&logrus.Logger{Out: io.Discard, Formatter: new(logrus.TextFormatter),
		Level: logrus.WarnLevel})("llm  stage")
	printer(hooked.WithField("a", 1))("an entry")
	if e := hook.AllEntries(); len(e) != 2 || e[0].Message != "llm  stage" || e[1].Message != "an entry" {
		t.Errorf("a log that goes elsewhere got %v", e)
	}
}
