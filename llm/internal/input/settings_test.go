package input

import (
	"testing"

	"go.k6.io/k6/v2/lib/fsext"
)

// A misspelt setting is refused; a script that may read any name takes any.
func TestSettingsCheck(t *testing.T) {
	t.Parallel()
	const settings = `export function text(name) { return __ENV[name] || undefined } // RATE
		const url = __ENV.BASE_URL, model = text('MODEL')`
	for _, tt := range []struct {
		name, own string // the setting, and the text of the script
		want      string
	}{
		{"BASE_URL", ``, ""},
		{"BASEURL", ``, "BASEURL is no setting of own.js: did you mean BASE_URL?"},
		{"base_url", ``, "base_url is no setting of own.js: did you mean BASE_URL?"},
		{"MODLE", ``, "MODLE is no setting of own.js: did you mean MODEL?"},
		{"RATE", ``, ""},
		{"ZZTOP", ``, "unread ZZTOP"},
		{"USERS", `const { USERS } = __ENV`, ""},
		{"USER", "const n = __ENV['USERS']", "USER is no setting of own.js: did you mean USERS?"},
		{"USERS", "const n = __ENV.USERS_PER_DAY", "unread USERS"},
		{"GOMAXPROCS", "const n = __ENV.MAXPROCS", ""},
		{"HF_HOME", "const n = __ENV.HF_HOMES", ""},
		{"URL_1", `const u = __ENV['URL_' + 1]`, ""},
		{"URL_1", "const u = (n) => __ENV[n]", ""},
		{"URL_1", "const u = (n) => __ENV[`URL_${n}`]", ""},
		{"ANY", `use(__ENV)`, ""},
		{"ANY", `const env = __ENV;`, ""},
		{"K6_ANY", ``, ""},
	} {
		files := fsext.NewMemMapFs()
		for name, text := range map[string]string{
			"/s/own.js": tt.own, "/s/settings.js": settings, "/s/data.json": `"ZZTOP"`,
		} {
			if err := fsext.WriteFile(files, name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := ""
		unread, err := new(SettingsCheck).Check([]string{tt.name}, "own.js", files)
		if err != nil {
			got = err.Error()
		}
		for _, name := range unread {
			got = "unread " + name
		}
		if got != tt.want {
			t.Errorf("%s with %s: got %q, want %q", tt.name, tt.own, got, tt.want)
		}
	}
}
