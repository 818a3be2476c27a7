package study

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
)

// A cell that is done shows the verdict of its report, and runs again if it is asked for by that, or by a name.
func TestAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &laboratory{t: t, dir: t.TempDir(), text: `
directory: DIR
deployments: [{name: s, command: 'serve --port ${port} ${p}', matrix: {p: [a, b]}}]
workloads: [{name: w}]
loads: [{name: x, concurrency: 1, duration: 1s}, {name: y, concurrency: 2, duration: 1s}]
`}
		if _, err := l.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(l.dir, "cells", "s-p=b.w.x", "report")
		if err := os.WriteFile(path, []byte("measured SUSPECT"), 0o600); err != nil {
			t.Fatal(err)
		}
		for word, want := range map[string]string{
			"": "", "suspect": "s-p=b.w.x", "invalid": "", "failed": "", "s-p=a.w.y": "s-p=a.w.y", "1": "s-p=a.w.x",
			"s p=a · w · y": "s-p=a.w.y", "s p=b": "s-p=b.w.x s-p=b.w.y",
			"s": "s-p=a.w.x s-p=a.w.y s-p=b.w.x s-p=b.w.y",
		} {
			p := l.plan()
			if word != "" {
				if err := p.Again([]string{word}); err != nil {
					t.Errorf("%q: %v", word, err)
				}
			}
			var got []string
			for _, c := range p.ToRun() {
				got = append(got, c.Name)
			}
			var b bytes.Buffer
			if err := p.Write(&b, p.Doubts(fakeTool())); err != nil {
				t.Fatal(err)
			}
			if want != "" && !strings.Contains(b.String(), "-f e.yml --again "+plain.Argument(word)+"\n") {
				t.Errorf("%q: the next command does not ask for it\n%s", word, b.String())
			}
			if err := p.Store.Unlock(); err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, " ") != want || !strings.Contains(b.String(), " SUSPECT\n") ||
				!strings.Contains(b.String(), "1 SUSPECT; to run them again, when what disturbed them is mended: "+
					"k6 x llm experiment -f e.yml --again suspect\n") {
				t.Errorf("%q: got %q, want %q\n%s", word, got, want, b.String())
			}
		}
		p := l.plan()
		err := p.Again([]string{"s-p=a.w.z"})
		if err == nil || !strings.Contains(err.Error(), "did you mean s-p=a.w.") {
			t.Error(err)
		}
		if err := p.Store.Unlock(); err != nil {
			t.Fatal(err)
		}
		l.again = []string{"suspect"}
		if _, err := l.run(t.Context()); err != nil || len(l.events) != 3 {
			t.Errorf("%v, events %q", err, l.events)
		}
		kept, err := os.ReadFile(filepath.Join(l.dir, "replaced", "s-p=b.w.x~1", "report"))
		if err != nil || string(kept) != "measured SUSPECT" {
			t.Errorf("the report before is gone: %q, %v", kept, err)
		}
	})
}
