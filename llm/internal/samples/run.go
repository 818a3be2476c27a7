package samples

import (
	"crypto/rand"
	"encoding/hex"
	"hash/fnv"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/internal/version"
	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// NewRun returns the record of this process's run, which starts now, by k6's options. lookup reads the environment.
func NewRun(opts lib.Options, lookup func(name string) (string, bool)) *record.Run {
	run := &record.Run{
		Schema: record.Schema, ID: runID(opts, lookup), Instance: opts.RunTags["instance_id"], Segment: "0:1",
		Start: record.UnixNano(time.Now()), Versions: versions(), Seed: RunSeed(opts.Scenarios),
		Scenarios: Scenarios(opts.Scenarios), Machine: machine(),
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

// GivenRunID returns the run's id before k6's options are known: the id in the environment, else the tag testrun_name
// of the command line or of K6_TAGS, else "". All instances of one run are given the same id.
func GivenRunID(args []string, lookup func(name string) (string, bool)) string {
	if id, ok := lookup(record.RunIDEnv); ok && id != "" {
		return id
	}
	id := ""
	for _, tag := range commandline.Tags(args, lookup) {
		if value, ok := strings.CutPrefix(tag, runTag+"="); ok {
			id = value // the last one counts, as in k6
		}
	}
	return id
}

// ProcessRunID returns the result of GivenRunID, or else a random id that stays the same throughout the process.
func ProcessRunID(args []string, lookup func(name string) (string, bool)) string {
	if id := GivenRunID(args, lookup); id != "" {
		return id
	}
	return randomID()
}

// DrawSeed returns the seed of a run for which none was given. It depends on the run's id only, so that all instances
// have the same seed. Without an id the seed is now in milliseconds since 1970, as in inference-perf.
func DrawSeed(id string, now time.Time) int64 {
	if id == "" {
		return now.UnixMilli()
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, id) // never fails
	return int64(h.Sum32())
}

// runTag is the tag with which the k6 Operator passes a run's name to all instances.
const runTag = "testrun_name"

func runID(opts lib.Options, lookup func(string) (string, bool)) string {
	if id, ok := lookup(record.RunIDEnv); ok && id != "" {
		return id
	}
	if id := opts.RunTags[runTag]; id != "" {
		return id
	}
	return randomID()
}

// randomID returns an id that stays the same throughout the process, because the module and the output name the run
// independently of each other.
var randomID = sync.OnceValue(func() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
})

const k6Path = "go.k6.io/k6/"

// versions returns the versions of the programs that measured, and their platform.
func versions() map[string]string {
	v := map[string]string{
		"go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH, "xk6-llm": version.Version(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, dep := range info.Deps {
		if strings.HasPrefix(dep.Path, k6Path) {
			v["k6"] = dep.Version
		}
	}
	return v
}
