package selftest

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
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/internal/host"
)

//go:embed selftest.js
var script []byte

// Level is a load of the self-test.
type Level struct {
	Streams int     // at a time
	Rate    float64 // tokens per second of each stream
}

// Measured holds the figures of a level.
type Measured struct {
	Streams      int     `json:"streams"`
	TokensPerSec float64 `json:"tokens_per_sec_per_stream"`
	Errors
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
	// LeftOut says why this machine cannot hold the level, which then has no other figures; "" for a measured level.
	LeftOut string `json:"left_out,omitempty"`
}

const (
	trustP99  = 10               // ms: the 99th percentiles of a trusted level's errors and lateness are not above it
	streamFor = 10 * time.Second // how long each stream lasts
)

// sourceCount is the number of loopback addresses from which k6 connects.
const sourceCount = 8

// LocalAddresses returns options of k6 run, by which it connects to the simulator from several addresses: each has the
// ports of the machine's range. Only Linux has these addresses without further settings.
func LocalAddresses() []string {
	if runtime.GOOS != "linux" {
		return nil
	}
	return []string{"--local-ips", fmt.Sprint("127.0.0.1-127.0.0.", sourceCount)}
}

// streamMemory is what a stream takes at most, in bytes, on both sides.
const streamMemory = 100_000

// Lack returns what this machine lacks for a number of streams at a time, and how to raise the limit. "" means nothing.
func Lack(streams int) string {
	limits := host.ReadLimits()
	limits.Ports *= sourceCount
	if list := limits.Warnings(int64(streams)); len(list) > 0 {
		return list[0]
	}
	need := int64(streams) * streamMemory
	if left := host.Memory(); left > 0 && left < need {
		return fmt.Sprintf("%d streams take %d MB of memory, and %d MB are left", streams, need/1e6, left/1e6)
	}
	return ""
}

// Lasts returns how long a level takes: its streams build up, it holds its load for length, and the last streams end.
func Lasts(length time.Duration) time.Duration { return 2*streamFor + length }

// ParseLevels reads levels such as "1x50,100x20". Its error names the option --levels.
func ParseLevels(text string) (list []Level, err error) {
	for _, part := range strings.Split(text, ",") {
		streams, rate, found := strings.Cut(strings.TrimSpace(part), "x")
		n, errN := strconv.Atoi(streams)
		r, errR := strconv.ParseFloat(rate, 64)
		if !found || errN != nil || errR != nil || n < 1 || n > 100_000 || !(r >= 0.2) || r > 1000 {
			return nil,
				fmt.Errorf("--levels: %q is no STREAMSxRATE, as in 100x20: 1 to 100000 streams of 0.2 to 1000 "+
					"tokens per second", part)
		}
		list = append(list, Level{n, r})
	}
	return list, nil
}

// Measure runs a level, which holds its load for length after the streams have built up. It starts the simulator and k6
// as processes of this program, and compares their files when k6 has ended. It leaves out a level for which the machine
// lacks something.
func (l Level) Measure(ctx context.Context, length time.Duration) (m Measured, err error) {
	m.Streams, m.TokensPerSec = l.Streams, l.Rate
	if m.LeftOut = Lack(l.Streams); m.LeftOut != "" {
		return m, nil
	}
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
	path, item := filepath.Join(work, "selftest.js"), fmt.Sprintf(`{"prompt": "hello", "max_tokens": %d}`, l.tokens())
	if err := errors.Join(os.WriteFile(path, script, 0o600),
		os.WriteFile(filepath.Join(work, "selftest.jsonl"), []byte(item), 0o600)); err != nil {
		return m, err
	}
	args := append([]string{"run", "--quiet", "--out", "llm=" + records}, LocalAddresses()...)
	child := exec.CommandContext(ctx, program, append(args, path)...)
	child.Env = append(os.Environ(), "K6_NO_USAGE_REPORT=true", "SELFTEST_URL="+url,
		fmt.Sprint("SELFTEST_STREAMS=", l.Streams),
		fmt.Sprint("SELFTEST_RATE=", float64(l.Streams)/streamFor.Seconds()),
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

// tokens returns the length of an answer.
func (l Level) tokens() int { return max(1, int(math.Round(l.Rate*streamFor.Seconds()))) }

// serve starts the simulator as a process of its own, and returns its URL. stop ends it, and may be called again.
func (l Level) serve(ctx context.Context, program, truth string) (url string, stop func(), err error) {
	server := exec.CommandContext(ctx, program, "x", "llm", "sim", "--port", "0", "--truth", truth, "--max-num-seqs",
		"1000000",
		"--ttft", "100ms", "--itl", time.Duration(float64(time.Second)/l.Rate).String())
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

// read fills in the figures from the records and the truth.
func (l Level) read(m *Measured, records, truth string) error {
	errs, end, err := CompareFiles(records, truth)
	if err != nil {
		return err
	}
	if end == nil {
		return errors.New("the records have no end")
	}
	m.Errors = errs
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
