package command

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/convert/cli"
	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/dropin"
	"github.com/seed-307b789f/xk6-llm/llm/internal/probe"
	"github.com/seed-307b789f/xk6-llm/llm/sim"
)

// askServer is the value of tokensPerWord, in x-llm.dataset, that stands for the number that the server tells.
const askServer = `"server"`

// ask asks the server what the load must know before it starts: for a bench what the server can do, and without a
// tokenizer how many tokens a word has.
func (r *runner) ask() error {
	count := string(r.c.Own.Dataset["tokensPerWord"]) == askServer
	if !r.probes && !count {
		return nil
	}
	ctx := r.cmd.Context()
	opts, err := r.probeOptions()
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	found, err := probeOne(r, &opts)
	if err != nil {
		return errext.WithExitCodeIfNone(err, misuse)
	}
	if r.probes {
		if err := found.WriteBrief(r.cmd.ErrOrStderr(), columnsOf(r.cmd.ErrOrStderr())); err != nil {
			return err
		}
	}
	if err := found.Err(); err != nil {
		return errext.WithExitCodeIfNone(err, cli.Failed)
	}
	if r.probes {
		r.overrides = append(r.overrides, adopted(found, opts)...)
	}
	if count {
		words, err := probe.TokensPerWord(ctx, opts, found, string(r.c.Data.Type))
		if err != nil {
			return err
		}
		r.cmd.PrintErrf("%-12s%s\n", "prompts", words.How)
		perWord := strconv.FormatFloat(words.PerWord, 'g', 6, 64)
		r.overrides = append(r.overrides, config.Override{
			Key: "x-llm.dataset", Value: fmt.Sprintf(`{"tokensPerWord": %s}`, perWord),
		})
	}
	return errext.WithExitCodeIfNone(r.load(), misuse)
}

// probeOne asks the server, or of several the first that can be used. The load warns of the others.
func probeOne(r *runner, opts *probe.Options) (found *probe.Result, err error) {
	list := client.SplitURLs(opts.URL)
	if len(list) > 1 && r.probes {
		r.cmd.PrintErrf("%-12s%d, of which one is asked what it can do\n", "endpoints", len(list))
	}
	for _, opts.URL = range list {
		if found, err = probe.Run(r.cmd.Context(), *opts); err == nil && found.Err() == nil {
			break
		}
	}
	if err == nil && len(list) > 1 {
		found.Settings.BaseURL = "" // the others keep theirs, too
	}
	return found, err
}

// adopted returns the settings with which the server answers, as far as they change no measurement.
func adopted(found *probe.Result, asked probe.Options) (list []config.Override) {
	set := func(key, value string) { list = append(list, config.Override{Key: key, Value: value}) }
	s := found.Settings
	if s.API != "" {
		set("api.type", s.API)
	}
	if s.IgnoreEOS != asked.IgnoreEOS {
		set("server.ignore_eos", strconv.FormatBool(s.IgnoreEOS))
	}
	if s.BaseURL != "" && !found.Simulator {
		set("server.base_url", baseOf(found, asked.Endpoint))
	}
	own := options{}
	if s.MaxTokensField != "max_tokens" {
		own.text("maxTokensField", s.MaxTokensField)
	}
	if len(s.Body) > 0 {
		own["extraBody"] = s.Body
	}
	own.set("x-llm.client", set)
	return list
}

// baseOf returns the base URL of a server: with its path as it was found, unless the URL holds more than a path, or
// requests go to an endpoint of their own.
func baseOf(found *probe.Result, endpoint string) string {
	dialect, err := api.ByName(found.Settings.API)
	if err != nil || endpoint != "" || strings.ContainsAny(found.Settings.BaseURL, "@?") {
		return found.Settings.BaseURL
	}
	if base, ok := strings.CutSuffix(found.Endpoint, dialect.Path()); ok {
		return base
	}
	return found.Settings.BaseURL
}

// filesOf returns the files of the client's certificates. Relative paths start where the configuration is, whose path
// is given.
func filesOf(c *config.Config, path string) credentialFiles {
	own := c.Own.Client
	return credentialFiles{
		cert: cmp.Or(plainText(own["certPath"]), c.Server.CertPath),
		key:  cmp.Or(plainText(own["keyPath"]), c.Server.KeyPath),
		ca:   plainText(own["caPath"]),
	}.under(filepath.Dir(path))
}

// probeOptions returns the server of the configuration, and how it is asked.
func (r *runner) probeOptions() (opts probe.Options, err error) {
	if err := dropin.FindAPIKey(r.c, os.LookupEnv); err != nil {
		return opts, err
	}
	server, own := r.c.Server, r.c.Own.Client
	opts = probe.Options{
		URL: server.BaseURL, Model: server.ModelName, APIKey: server.APIKey, Headers: r.c.API.Headers,
		APIKeyHeader: plainText(own["apiKeyHeader"]),
		Endpoint:     plainText(own["endpoint"]), MaxTokensField: plainText(own["maxTokensField"]),
		IgnoreEOS: server.IgnoreEOS,
		Tokenizer: func(name string) (sim.Tokenizer, error) {
			return openCounter(r.cmd.Context(), name, r.cmd.PrintErrf)
		},
	}
	if opts.Transport, err = probeTransport(filesOf(r.c, r.path)); err != nil {
		return opts, err
	}
	if server.Type == config.MockServer {
		opts.URL = "sim:"
	}
	if opts.API, err = api.ByName(string(r.c.API.Type)); err != nil {
		return opts, err
	}
	if body := own["extraBody"]; body != nil {
		opts.Body, err = extraFields(body)
	}
	return opts, err
}
