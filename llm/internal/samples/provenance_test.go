package samples

import (
	"net/url"
	"testing"

	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/internal/digest"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

func TestScriptsFollowImports(t *testing.T) {
	t.Parallel()
	files := fsext.NewMemMapFs()
	for path, text := range map[string]string{
		"/a/main.js": `import http from 'k6/http';
import { x } from "../b/x.js"; import './y.js'; const z = require('./gone.js');`,
		"/b/x.js":   `export * from '../a/main.js'`, // a circle
		"/a/y.js":   ``,
		"/a/not.js": `nobody imports this`,
	} {
		if err := fsext.WriteFile(files, path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := Scripts(files, &url.URL{Scheme: "file", Path: "/a/main.js"})
	var got []string
	for _, f := range list {
		got = append(got, f.Kind+" "+f.Name)
	}
	want := []string{record.KindScript + " main.js", record.KindModule + " x.js", record.KindModule + " y.js"}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(list) == 3 && list[2].SHA256 != digest.Bytes(nil) {
		t.Errorf("the hash of an empty file is %s", list[2].SHA256)
	}
	if list := Scripts(files, &url.URL{Scheme: "file", Path: "/-"}); list != nil {
		t.Errorf("of the standard input: %v", list)
	}
}
