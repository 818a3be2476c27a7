package measure

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// RunIDEnv names the environment variable that sets the run's id, the same for all instances of a distributed run.
const RunIDEnv = "K6_LLM_RUN_ID"

// NewRun describes the run of this process by k6's options; lookup reads the environment.
func NewRun(opts lib.Options, lookup func(name string) (string, bool)) *record.Run {
	run := &record.Run{
		Schema: record.Schema, ID: runID(opts, lookup), Instance: opts.RunTags["instance_id"], Segment: "0:1",
		Start: record.UnixNano(time.Now()), Versions: versions(), Scenarios: Scenarios(opts.Scenarios),
	}
	if run.Instance == "" {
		run.Instance, _ = os.Hostname()
	}
	if opts.ExecutionSegment != nil {
		run.Segment = opts.ExecutionSegment.String()
	}
	if opts.ExecutionSegmentSequence != nil {
		run.SegmentSequence = opts.ExecutionSegmentSequence.String()
	}
	return run
}

// ProcessRunID is the run's id as far as it is known before the options are: that of the environment, else a random one,
// the same throughout the process.
func ProcessRunID(lookup func(name string) (string, bool)) string {
	if id, ok := lookup(RunIDEnv); ok && id != "" {
		return id
	}
	return randomID()
}

func runID(opts lib.Options, lookup func(string) (string, bool)) string {
	if id, ok := lookup(RunIDEnv); ok && id != "" {
		return id
	}
	if id := opts.RunTags["testrun_name"]; id != "" {
		return id
	}
	return randomID()
}

// randomID is the same throughout the process, for the module and the output name the run apart from each other.
var randomID = sync.OnceValue(func() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
})

const (
	modulePath = "github.com/seed-307b789f/xk6-llm"
	k6Path     = "go.k6.io/k6/"
)

// versions names what measured.
func versions() map[string]string {
	v := map[string]string{"go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, dep := range info.Deps {
		switch {
		case strings.HasPrefix(dep.Path, k6Path):
			v["k6"] = dep.Version
		case dep.Path == modulePath:
			v["xk6-llm"] = dep.Version
		}
	}
	return v
}

// Version is this module's version as it was built in, "(devel)" for a local build.
func Version() string { return version() }

// version is found once: every VU asks, and what was built in is a long text.
var version = sync.OnceValue(func() string {
	if v := versions()["xk6-llm"]; v != "" {
		return v
	}
	return "(devel)"
})
