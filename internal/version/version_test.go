package version

import (
	"regexp"
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	depends := func(m debug.Module) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: "k6"},
			Deps: []*debug.Module{{Path: "go.k6.io/k6/v2", Version: "v2.2.0"}, &m}}
	}
	zero := "v0.0.0-00010101000000-000000000000" // what xk6 requires of a module that it replaces
	for _, tt := range []struct {
		what, stamped string
		info          *debug.BuildInfo
		want          string
	}{
		{"make build", "v0.2.0-3-gabc", depends(debug.Module{Path: Module, Version: zero,
			Replace: &debug.Module{Path: "/src"}}), "v0.2.0-3-gabc"},
		{"xk6 build --with MODULE=.", "", depends(debug.Module{Path: Module, Version: zero,
			Replace: &debug.Module{Path: "/src"}}), "(devel)"},
		{"xk6 build --with MODULE@v0.2.0", "", depends(debug.Module{Path: Module, Version: "v0.2.0"}), "v0.2.0"},
		{"xk6 build --with MODULE=FORK@v0.3.0", "", depends(debug.Module{Path: Module, Version: zero,
			Replace: &debug.Module{Path: "example.com/fork", Version: "v0.3.0"}}), "v0.3.0"},
		{"go install MODULE/cmd/llmconv@v0.2.0", "",
			&debug.BuildInfo{Main: debug.Module{Path: Module, Version: "v0.2.0"}}, "v0.2.0"},
		{"go build without version control", "", &debug.BuildInfo{Main: debug.Module{Path: Module}}, "(devel)"},
		{"another program", "", &debug.BuildInfo{Main: debug.Module{Path: "example.com/x", Version: "v9"}}, "(devel)"},
		{"no build information", "", nil, "(devel)"},
		{"stamped, no build information", "v1", nil, "v1"},
	} {
		if got := of(tt.stamped, tt.info); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, got, tt.want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	if got := Line("llmconv"); !regexp.MustCompile(`^llmconv \S+ \(go\S+, \w+/\w+\)$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}
