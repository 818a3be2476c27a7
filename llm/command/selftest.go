package command

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/internal/host"
	"github.com/seed-307b789f/xk6-llm/llm/internal/selftest"
)

//go:embed selftest.js
var selfTestScript []byte

// level is a load of the self-test: so many streams at a time, each with so many tokens a second.
type level struct {
	streams int
	rate    float64
}

// measured is what came of a level.
type measured struct {
	Streams      int     `json:"streams"`
	TokensPerSec float64 `json:"tokens_per_sec_per_stream"`
	selftest.Errors
	Sent        int64   `json:"sent"`
	Dropped     int64   `json:"dropped"`
	LatenessP50 float64 `json:"lateness_p50_ms"`
	LatenessP99 float64 `json:"lateness_p99_ms"`
	LatenessMax float64 `json:"lateness_max_ms"`
	CPUShare    float64 `json:"cpu_share"` // of the client, of the processors it may use
	Memory      int64   `json:"peak_memory_bytes,omitempty"`
	Collections int64   `json:"collections"`
	Steal       float64 `json:"host_steal_share"` // of the processors' time, taken by the host
	Trusted     bool    `json:"trusted"`
}

// trust bounds the errors of a level that is trusted.
const (
	trustP99  = 10 // ms, of first tokens, gaps and lateness
	streamFor = 10 * time.Second
)

func newSelfTest() *cobra.Command {
	levels, asJSON, length := "1x50,100x20,1000x5,1000x20,1000x40,5000x2,5000x5", false, 20*time.Second
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Measure this machine's own error",
		Long: `Measure what this machine adds to the figures: the simulator, in a process of its own, stamps each token as it writes it, and
the client's records are held against these stamps.

Each level STREAMSxRATE has so many streams at a time, each with so many tokens a second, for --length after the streams have
built up, which takes 10 s. Client and simulator share the machine, so the client alone can do more.

A level is trusted if the 99th percentiles of the errors of first tokens and gaps and of the lateness are at most 10 ms, every
request was sent and none failed.

Exit code: 0; 1 if not even the first level is trusted; 2 for misuse.`,
		Example: `  k6 x llm selftest
  k6 x llm selftest --levels 1x50,200x20 --length 5s
  k6 x llm selftest --json > selftest.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := parseLevels(levels)
			if err == nil && length < time.Second {
				err = fmt.Errorf("--length: must be 1s or more, got %v", length)
			}
			if err != nil {
				return errext.WithExitCodeIfNone(err, misuse)
			}
			return selfTest(cmd, list, length, asJSON)
		},
	}
	cmd.Flags().StringVar(&levels, "levels", levels, "loads, as streams x tokens per second of each")
	cmd.Flags().DurationVar(&length, "length", length, "how long each level is held")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return cmd
}

// parseLevels reads "1x50,100x20".
func parseLevels(text string) (list []level, err error) {
	for _, part := range strings.Split(text, ",") {
		streams, rate, found := strings.Cut(strings.TrimSpace(part), "x")
		n, errN := strconv.Atoi(streams)
		r, errR := strconv.ParseFloat(rate, 64)
		if !found || errN != nil || errR != nil || n < 1 || n > 100_000 || !(r >= 0.2) || r > 1000 {
			return nil,
				fmt.Errorf("--levels: %q is no STREAMSxRATE, as in 100x20: 1 to 100000 streams of 0.2 to 1000 "+
					"tokens per second", part)
		}
		list = append(list, level{n, r})
	}
	return list, nil
}

func selfTest(cmd *cobra.Command, list []level, length time.Duration, asJSON bool) error {
	var all []measured
	for i, l := range list {
		cmd.PrintErrf("level %d of %d: %d streams of %g tokens/s, %v …\n", i+1, len(list), l.streams, l.rate,
			2*streamFor+length)
		m, err := l.measure(cmd.Context(), length)
		if err != nil {
			return fmt.Errorf("level %dx%g: %w", l.streams, l.rate, err)
		}
		all = append(all, m)
	}
	var err error
	if asJSON {
		err = writeLevelsJSON(cmd.OutOrStdout(), all)
	} else {
		err = writeLevels(cmd.OutOrStdout(), all)
	}
	if err == nil && !all[0].Trusted {
		err = errors.New("this machine adds too much even at the first level")
	}
	return err
}

// measure runs a level: the simulator and a k6 of its own, whose records are then read.
func (l level) measure(ctx context.Context, length time.Duration) (m measured, err error) {
	work, err := os.MkdirTemp("", "k6-llm-selftest-")
	if err != nil {
		return m, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	program, err := os.Executable()
	if err != nil {
		return m, err
	}
	truth, records := filepath.Join(work, "truth.jsonl"), filepath.Join(work, "records.jsonl")
	url, stop, err := l.serve(ctx, program, truth)
	if err != nil {
		return m, err
	}
	defer stop()
	script := filepath.Join(work, "selftest.js")
	if err := os.WriteFile(script, selfTestScript, 0o600); err != nil {
		return m, err
	}
	tokens := max(1, int(math.Round(l.rate*streamFor.Seconds())))
	child := exec.CommandContext(ctx, program, "run", "--quiet", "--out", "llm="+records, script)
	child.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "SELFTEST_URL="+url,
		fmt.Sprint("SELFTEST_TOKENS=", tokens), fmt.Sprint("SELFTEST_STREAMS=", l.streams),
		fmt.Sprint("SELFTEST_RATE=", float64(l.streams)/streamFor.Seconds()),
		fmt.Sprint("SELFTEST_DURATION=", streamFor+length))
	var output strings.Builder
	child.Stdout, child.Stderr = &output, &output
	if err := child.Start(); err != nil {
		return m, err
	}
	peak := host.WatchMemory(child.Process.Pid)
	err = child.Wait()
	m.Memory = peak()
	if err != nil {
		return m, fmt.Errorf("k6 run: %w: %s", err, strings.TrimSpace(output.String()))
	}
	stop()
	return m, l.read(&m, records, truth)
}

// serve starts the simulator as a process of its own. What it gives back ends it, also when called again.
func (l level) serve(ctx context.Context, program, truth string) (url string, stop func(), err error) {
	server := exec.CommandContext(ctx, program, "x", "llm", "sim", "--port", "0", "--truth", truth, "--max-num-seqs",
		"1000000",
		"--ttft", "100ms", "--itl", time.Duration(float64(time.Second)/l.rate).String())
	out, err := server.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		if server.ProcessState == nil {
			_ = server.Process.Kill() // each finished request is in the file of truths already
			_ = server.Wait()
		}
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); strings.HasPrefix(text, "http://") {
			return text, stop, nil
		}
	}
	stop()
	return "", nil, errors.New("the simulator did not start")
}

// read compares the records with the truth.
func (l level) read(m *measured, records, truth string) error {
	errs, end, err := selftest.CompareFiles(records, truth)
	if err != nil {
		return err
	}
	if end == nil {
		return errors.New("the records have no end")
	}
	m.Streams, m.TokensPerSec, m.Errors = l.streams, l.rate, errs
	m.Sent, m.Dropped = end.Requests, end.Dropped
	h := end.Health
	m.CPUShare, m.Collections = h.CPUShare, h.GCCycles
	if h.Steal != nil {
		m.Steal = *h.Steal
	}
	for to, from := range map[*float64]*int64{&m.LatenessP50: h.LatenessP50, &m.LatenessP99: h.LatenessP99,
		&m.LatenessMax: h.LatenessMax} {
		if from != nil {
			*to = float64(*from) / 1e6
		}
	}
	m.Trusted = m.Dropped == 0 && m.Failed == 0 && m.Unknown == 0 &&
		max(m.First.P99, m.Gaps.P99, m.LatenessP99) <= trustP99
	return nil
}
