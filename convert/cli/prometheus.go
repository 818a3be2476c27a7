package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/convert/internal/prometheus"
	"github.com/seed-307b789f/xk6-llm/convert/run"
	"github.com/seed-307b789f/xk6-llm/internal/outfile"
	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// ServerMetrics selects a Prometheus and what it is asked for. The zero value asks nothing.
type ServerMetrics struct {
	prometheus.Source
	prometheus.Settings
	Prefix string // of the names of the files
}

// wanted reports whether a Prometheus is named and a document is asked for.
func (m ServerMetrics) wanted() bool {
	return (m.URL != "" || m.Google) && (m.Summary || m.Stages)
}

// ConfiguredMetrics returns the settings of a configuration of inference-perf. Secrets come from the environment.
func ConfiguredMetrics(c *config.Config) (m ServerMetrics) {
	m.Source, m.Engine, m.ScrapeInterval, m.Summary = fromEnvironment(), prometheus.VLLM, 15*time.Second, true
	if c == nil {
		return m
	}
	if c.Server != nil {
		m.Model = c.Server.ModelName
		if engine, err := prometheus.ParseEngine(string(c.Server.Type)); err == nil {
			m.Engine = engine
		}
	}
	if c.Storage != nil && c.Storage.Local != nil {
		m.Prefix = c.Storage.Local.Prefix
	}
	m.Summary, m.Stages = c.Report.Prometheus != nil && c.Report.Prometheus.Summary, c.Report.Prometheus != nil &&
		c.Report.Prometheus.PerStage
	if c.Metrics == nil || c.Metrics.Type != config.PrometheusMetrics || c.Metrics.Prometheus == nil {
		return m
	}
	p := c.Metrics.Prometheus
	m.URL, m.Google, m.Filters, m.ScrapeInterval = string(p.URL), p.GoogleManaged, p.Filters,
		time.Duration(p.ScrapeInterval)*time.Second
	return m
}

func fromEnvironment() prometheus.Source {
	return prometheus.Source{
		Token: os.Getenv("PROMETHEUS_TOKEN"), User: os.Getenv("PROMETHEUS_USER"),
		Password: os.Getenv("PROMETHEUS_PASSWORD"),
		Project:  os.Getenv("GOOGLE_CLOUD_PROJECT"),
	}
}

type prometheusFlags struct {
	url, engine, ca                string
	google, insecure, stages       bool
	filters, accelerators, headers []string
	interval                       time.Duration
}

func (f *prometheusFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "prometheus", "",
		"URL of the Prometheus that scrapes the model server: adds the server's metrics of the run to the report. "+
			"Credentials: PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD")
	flags.BoolVar(&f.google, "prometheus-google", false,
		"query Google's managed Prometheus, of GOOGLE_CLOUD_PROJECT or the credentials' project")
	flags.StringVar(&f.engine, "prometheus-engine", "",
		"names of the metrics: vllm, sglang, tgi (default the configuration's server.type, else vllm)")
	flags.StringArrayVar(&f.filters, "prometheus-filter", nil,
		"use only series with this label, for example namespace=prod; repeat the flag for several")
	flags.StringArrayVar(&f.accelerators, "prometheus-accelerator-filter", nil,
		"use only accelerators with this label, for example Hostname=node1")
	flags.BoolVar(&f.stages, "prometheus-stages", false, "also write a file for each stage")
	flags.DurationVar(&f.interval, "prometheus-scrape-interval", 15*time.Second,
		"interval at which Prometheus scrapes the server")
	flags.StringVar(&f.ca, "prometheus-ca", "", "PEM file of certificates to trust")
	flags.BoolVar(&f.insecure, "prometheus-insecure", false, "trust any certificate")
	flags.StringArrayVar(&f.headers, "prometheus-header", nil, "header of each query, for example 'X-Scope-OrgID=team'")
}

// settings returns the settings of the configuration, overridden by the flags.
func (f *prometheusFlags) settings(flags *pflag.FlagSet, c *config.Config) (m ServerMetrics, err error) {
	m = ConfiguredMetrics(c)
	if f.url != "" && f.google {
		return m, misuse("--prometheus and --prometheus-google are two places to ask: leave one out")
	}
	if f.url != "" || f.google {
		m.URL, m.Google = f.url, f.google
		m.Summary = true // asked for by hand
	}
	if f.engine != "" {
		if m.Engine, err = prometheus.ParseEngine(f.engine); err != nil {
			return m, misuse("--prometheus-engine: %w", err)
		}
	}
	if flags.Changed("prometheus-scrape-interval") {
		if f.interval <= 0 {
			return m, misuse("--prometheus-scrape-interval: must be positive, got %v", f.interval)
		}
		m.ScrapeInterval = f.interval
	}
	m.Stages = m.Stages || f.stages
	m.CA, m.Insecure = f.ca, f.insecure
	if m.Filters, err = matchers(m.Filters, "prometheus-filter", f.filters); err != nil {
		return m, err
	}
	if m.Accelerator, err = matchers(nil, "prometheus-accelerator-filter", f.accelerators); err != nil {
		return m, err
	}
	m.Headers, err = headers(f.headers)
	return m, err
}

var matcher = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*)$`)

// matchers appends label matchers to a list and quotes the values that have no quotes.
func matchers(list []string, flag string, texts []string) ([]string, error) {
	list = slices.Clone(list)
	for _, text := range texts {
		parts := matcher.FindStringSubmatch(text)
		if parts == nil {
			return nil, misuse("--%s: %q is no label and value, want such as namespace=prod", flag, text)
		}
		if value := parts[3]; value == "" || !strings.ContainsAny(value[:1], "'\"`") {
			text = parts[1] + parts[2] + "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
		}
		list = append(list, text)
	}
	return list, nil
}

// headers parses NAME=VALUE. A value may be a secret, so errors do not contain it.
func headers(texts []string) (http.Header, error) {
	var h http.Header
	for i, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || strings.ContainsAny(name, " :\r\n") || strings.ContainsAny(value, "\r\n") {
			return nil, misuse("--prometheus-header: number %d is no NAME=VALUE", i+1)
		}
		if h == nil {
			h = http.Header{}
		}
		h.Add(name, value)
	}
	return h, nil
}

// CheckServerMetrics prints on stderr why a Prometheus cannot be asked, before the load begins and can still be
// stopped.
func CheckServerMetrics(cmd *cobra.Command, m ServerMetrics) {
	if !m.wanted() {
		return
	}
	p, err := prometheus.Open(cmd.Context(), m.Source)
	if err == nil {
		if err = p.Check(cmd.Context()); err != nil {
			err = fmt.Errorf("%s: %w", p, err)
		}
	}
	if err != nil {
		cmd.PrintErrln("remark: there may be no metrics of the server:", plain.Message(err))
	}
}

// WriteServerMetrics asks Prometheus for the model server's metrics of a run and writes the documents into the report's
// directory. Failures are printed on stderr and change neither the report nor the exit code. Ctrl-C ends the waiting.
func WriteServerMetrics(cmd *cobra.Command, run *run.Run, report *convert.Report, dir string, m ServerMetrics) {
	if !m.wanted() {
		return
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	files, err := askServers(ctx, cmd, run, report, m)
	for _, f := range files {
		text, fault := f.JSON()
		if fault == nil {
			// the report is new
			fault = outfile.WriteBytes(filepath.Join(dir, m.Prefix+f.Name), outfile.Options{Replace: true}, text)
		}
		err = errors.Join(err, fault)
	}
	switch {
	case errors.Is(err, context.Canceled):
		cmd.PrintErrln("remark: no metrics of the server: interrupted")
	case err != nil:
		cmd.PrintErrln("remark: no metrics of the server:", plain.OneLine(err.Error(), 1000))
	default:
		names := ""
		if len(files) > 1 {
			names = fmt.Sprintf(" and %d of stages", len(files)-1)
		}
		cmd.PrintErrf("metrics of the server: %s%s\n", plain.Terminal(filepath.Join(dir, m.Prefix+files[0].Name)),
			names)
	}
}

func askServers(ctx context.Context, cmd *cobra.Command, run *run.Run, report *convert.Report,
	m ServerMetrics) ([]prometheus.File, error) {
	switch {
	case run.Origin != "":
		return nil, fmt.Errorf("results of %s do not tell the time of day", run.Origin)
	case len(run.Requests) == 0:
		return nil, errors.New("the run has no requests")
	}
	if m.Model == "" {
		m.Model = onlyModel(run)
	}
	p, err := prometheus.Open(ctx, m.Source)
	if err != nil {
		return nil, err
	}
	asked := spans(run, report)
	asked.Client.Parts = tokensOf(run, m.Cut(asked.Window))
	for i := range asked.Stages {
		asked.Stages[i].Client.Parts = tokensOf(run, m.Cut(asked.Stages[i].Window))
	}
	files, err := p.Collect(ctx, m.Settings, asked, func(line string) {
		cmd.PrintErrln("prometheus:", plain.Terminal(line))
	})
	if err == nil && len(files) == 0 {
		err = errors.New("the run has no stages")
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", p, err)
	}
	return files, err
}

// tokensOf adds to the parts of a window the tokens of the answers that ended in each.
func tokensOf(run *run.Run, parts []prometheus.Part) []prometheus.Part {
	if len(parts) == 0 {
		return nil
	}
	start, width := parts[0].Start.UnixNano(), parts[0].End.Sub(parts[0].Start).Nanoseconds()
	for _, q := range run.Requests {
		if at := int((q.End - start) / width); !q.Failed() && q.End >= start && at < len(parts) {
			parts[at].PromptTokens += float64(max(0, q.PromptTokens))
			parts[at].OutputTokens += float64(max(0, q.CompletionTokens))
		}
	}
	return parts
}

// onlyModel returns the model of a run's requests without an adapter, "" if there are several.
func onlyModel(run *run.Run) (model string) {
	for _, q := range run.Requests {
		switch {
		case q.Adapter != "" || q.Model == "" || q.Model == model:
		case model == "":
			model = q.Model
		default:
			return ""
		}
	}
	return model
}

// spans returns the windows of the run and its stages: from the first request, or from the start that the executor
// recorded, to the last end.
func spans(run *run.Run, report *convert.Report) prometheus.Run {
	stages := map[int]*prometheus.Window{}
	widen := func(stage int, start, end int64) {
		w, there := stages[stage]
		if !there {
			w = &prometheus.Window{Start: time.Unix(0, start), End: time.Unix(0, end)}
			stages[stage] = w
		}
		if at := time.Unix(0, start); at.Before(w.Start) {
			w.Start = at
		}
		if at := time.Unix(0, end); at.After(w.End) {
			w.End = at
		}
	}
	for _, q := range run.Requests {
		widen(int(q.Stage), q.Start, q.End)
	}
	for _, s := range run.Stages {
		if stages[s.Index] != nil && run.Cut.Requests == 0 && s.Start > 0 && s.End >= s.Start {
			widen(s.Index, s.Start, s.End)
		}
	}
	all := prometheus.Run{Client: clientFigures(report.Summary)}
	for number, w := range stages {
		all.Stages = append(all.Stages,
			prometheus.Stage{Number: number, Window: *w, Client: clientFigures(report.Stages[number])})
	}
	slices.SortFunc(all.Stages, func(a, b prometheus.Stage) int { return a.Start.Compare(b.Start) })
	all.Window = all.Stages[0].Window
	for _, s := range all.Stages {
		if s.End.After(all.End) {
			all.End = s.End
		}
	}
	return all
}

func clientFigures(l *convert.Lifecycle) (c prometheus.Client) {
	if l == nil {
		return c
	}
	known := func(total convert.Float) float64 {
		if math.IsNaN(float64(total)) {
			return 0 // as inference-perf has what nobody counted
		}
		return float64(total)
	}
	c = prometheus.Client{
		Requests: l.Load.Count, PromptTokens: known(l.Successes.PromptTokens.Total),
		OutputTokens: known(l.Successes.OutputTokens.Total),
	}
	c.TTFTMean, c.TTFTMedian = meanAndMedian(l.Additions.Latency.TTFO) // an engine's first token is one of any kind
	c.LatencyMean, c.LatencyMedian = meanAndMedian(l.Successes.Latency.Request)
	return c
}

func meanAndMedian(d *convert.Distribution) (mean, median *float64) {
	if d == nil {
		return nil, nil
	}
	if v, there := d.At(50); there {
		median = &v
	}
	return &d.Mean, median
}
