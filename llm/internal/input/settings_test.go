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
		{"ZZTOP", ``, "ZZTOP is no setting of own.js: it reads no such name"},
		{"USERS", `const { USERS } = __ENV`, ""},
		{"USER", "const n = __ENV['USERS']", "USER is no setting of own.js: did you mean USERS?"},
		{"USERS", "const n = __ENV.USERS_PER_DAY", "USERS is no setting of own.js: it reads no such name"},
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
		if err := new(SettingsCheck).Check([]string{tt.name}, "own.js", files); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s with %s: got %q, want %q", tt.name, tt.own, got, tt.want)
		}
	}
}
