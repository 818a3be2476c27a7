package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/scrape"
)

// software is a server's program, and how to tell it.
type software struct {
	name    string
	makers  []string // owned_by of its models
	servers []string // beginnings of its header Server
	headers []string // headers that it alone sends
	engine  string   // prefix of its metrics
	page    string   // page that tells its version
	field   string   // where on that page
}

// programs are those that a probe recognises.
var programs = []software{
	{name: "vLLM", makers: []string{"vllm"}, engine: "vllm:", page: "/version", field: "version"},
	{name: "SGLang", makers: []string{"sglang"}, engine: "sglang:", page: "/get_server_info", field: "version"},
	{name: "TGI", headers: []string{"X-Compute-Type"}, engine: "tgi_", page: "/info", field: "version"},
	{name: "llama.cpp", makers: []string{"llamacpp"}, servers: []string{"llama.cpp"}, engine: "llamacpp:",
		page: "/props", field: "build_info"},
	{name: "Ollama", makers: []string{"library"}, page: "/api/version", field: "version"},
	{name: "TensorRT-LLM", makers: []string{"tensorrt_llm"}, engine: "trtllm_", page: "/version", field: "version"},
	{name: "LMDeploy", makers: []string{"lmdeploy"}, engine: "lmdeploy:"},
	{name: "LM Studio", makers: []string{"organization_owner"}},
	{name: "LiteLLM", headers: []string{"X-Litellm-Version"}},
	{name: "OpenAI", headers: []string{"Openai-Processing-Ms", "Openai-Version"}},
	{name: "the simulator of xk6-llm", makers: []string{"xk6-llm simulator"}},
}

// surroundings is what a server shows besides its answers.
type surroundings struct {
	software, version   string
	metricsPage, engine string
	tokenize            string // URL, as requests need it
}

// lookAround asks what is no request of the load: which software the server is, whether its metrics can be read, and
// whether it counts tokens for a model.
func (p *prober) lookAround(ctx context.Context, at place, model string) (found surroundings) {
	var metrics string
	var all sync.WaitGroup
	all.Go(func() { found.tokenize = p.wire.findTokenize(ctx, at, model) })
	all.Go(func() {
		url := (&scrape.Options{Auto: true}).PagesOf(at.server.String())[0]
		metrics = p.wire.readAside(ctx, url)
		if shown := scrape.Parse(metrics); len(shown.Values) > 0 {
			found.metricsPage, found.engine = url, shown.Engine
		}
	})
	all.Wait()
	if program := recognise(p.result.maker, p.result.header, metrics); program != nil {
		found.software = program.name
		found.version = p.version(ctx, at, program)
	}
	return found
}

// take notes what was found around the server.
func (r *Result) take(found surroundings) {
	r.Software, r.Version = found.software, found.version
	r.MetricsPage, r.Engine, r.Tokenize = found.metricsPage, found.engine, withoutQuery(found.tokenize)
}

// recognise returns the program by its models and headers, or else by its metrics; nil if nothing tells.
func recognise(maker string, header http.Header, metrics string) *software {
	for _, tells := range []func(s *software) bool{
		func(s *software) bool { return s.answers(maker, header) },
		func(s *software) bool {
			return s.engine != "" && (strings.HasPrefix(metrics, s.engine) || strings.Contains(metrics, "\n"+s.engine))
		},
	} {
		for i := range programs {
			if tells(&programs[i]) {
				return &programs[i]
			}
		}
	}
	return nil
}

// answers reports whether a list of models and its header are the program's.
func (s *software) answers(maker string, header http.Header) bool {
	return slices.Contains(s.makers, maker) ||
		slices.ContainsFunc(s.headers, func(name string) bool { return header.Get(name) != "" }) ||
		slices.ContainsFunc(s.servers, func(begin string) bool {
			return strings.HasPrefix(header.Get("Server"), begin)
		})
}

// version returns the version of a program, "" if it does not tell it.
func (p *prober) version(ctx context.Context, at place, s *software) string {
	if s.page == "" {
		return ""
	}
	text := p.wire.readAside(ctx, below(at.server, s.page))
	if !gjson.Valid(text) {
		return ""
	}
	version := gjson.Get(text, s.field).String()
	if strings.Contains(version, "unknown") { // a build of nobody's release
		return ""
	}
	return plain.Clip(p.wire.hide(version), 40)
}
