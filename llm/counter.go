package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/internal/plain"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/hub"
	"github.com/seed-307b789f/xk6-llm/llm/tokenizer"
)

// newTokenizer is the constructor of Tokenizer.
func (m *ModuleInstance) newTokenizer(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	var name string
	if err := text(&name)(call.Argument(0)); err != nil {
		throw(rt, fmt.Errorf("new Tokenizer: the path %w", err))
	}
	counter, err := m.counter(name)
	if err != nil {
		throw(rt, err)
	}
	t := &jsTokenizer{rt, counter}
	for name, method := range map[string]any{"count": t.count, "encode": t.encode, "decode": t.decode} {
		if err := call.This.Set(name, method); err != nil {
			throw(rt, err)
		}
	}
	return nil
}

// jsTokenizer is a Tokenizer object of a script.
type jsTokenizer struct {
	rt      *sobek.Runtime
	counter *tokenizer.Counter
}

func (t *jsTokenizer) count(v sobek.Value) (int, error) {
	var s string
	if err := text(&s)(v); err != nil {
		return 0, fmt.Errorf("count: the text %w", err)
	}
	return t.counter.Count(s), nil
}

func (t *jsTokenizer) encode(v sobek.Value) (sobek.Value, error) {
	var s string
	if err := text(&s)(v); err != nil {
		return nil, fmt.Errorf("encode: the text %w", err)
	}
	ids := t.counter.Encode(s)
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return t.rt.NewArray(list...), nil
}

func (t *jsTokenizer) decode(v sobek.Value) (string, error) {
	var list []float64
	if err := numbers(&list)(v); err != nil {
		return "", fmt.Errorf("decode: the ids: %w", err)
	}
	ids := make([]int32, len(list))
	for i, x := range list {
		if ids[i] = int32(x); float64(ids[i]) != x {
			return "", fmt.Errorf("decode: id %d must be a whole number, got %v", i, x)
		}
	}
	return t.counter.Decode(ids, false), nil
}

// counter reads a tokenizer once per process. A file or a folder of that name, relative to the script or to the working
// directory, wins over a repository of the hub.
func (m *ModuleInstance) counter(name string) (*tokenizer.Counter, error) {
	if m.vu.InitEnv() == nil {
		return nil, fmt.Errorf("tokenizer %q can be read in the init context only: make what uses it outside the "+
			"default function", name)
	}
	if name == "" {
		return nil, errors.New("tokenizer: the name is empty")
	}
	abs := m.absPath(name)
	if _, err := m.files().Stat(abs); err != nil {
		if inWorkingDir, ok := m.inWorkingDir(name); ok {
			abs = inWorkingDir
		}
	}
	return m.root.counters.get(abs, func() (*tokenizer.Counter, error) {
		counter, err := m.readCounter(name, abs)
		if err != nil {
			return nil, fmt.Errorf("tokenizer %q: %w", name, err)
		}
		return counter, nil
	})
}

func (m *ModuleInstance) files() fsext.Fs { return m.vu.InitEnv().FileSystems["file"] }

// inWorkingDir finds a name relative to where k6 was started: one given by -e is meant so, and may as well be of the
// hub.
func (m *ModuleInstance) inWorkingDir(name string) (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	path := m.absPath(filepath.Join(dir, name))
	_, err = m.files().Stat(path)
	return path, err == nil
}

func (m *ModuleInstance) readCounter(name, abs string) (*tokenizer.Counter, error) {
	files := m.files()
	info, err := files.Stat(abs)
	switch {
	case err == nil:
		return tokenizer.ReadCounterAt(abs, info.IsDir(), func(path string) ([]byte, error) {
			return readRegular(files, path)
		})
	case hub.IsID(name):
		return m.fetchCounter(name)
	}
	return nil, fmt.Errorf("%s does not exist: give a tokenizer.json, a folder that holds one, or a name on the "+
		"Hugging Face hub such as org/model", abs)
}

// hubFolder is where, in k6's file system, the hub's files are put for archives: their place in the user's cache may be
// another where the archive is run.
const hubFolder = "/huggingface"

// fetchCounter reads the files of a repository: those an archive carries, else those of the hub and its cache.
func (m *ModuleInstance) fetchCounter(name string) (*tokenizer.Counter, error) {
	files := m.files()
	folder := hubFolder + "/" + name + "/"
	if _, err := files.Stat(folder + tokenizer.TokenizerFile); err == nil {
		return tokenizer.ReadCounter(func(file string) ([]byte, error) { return fsext.ReadFile(files, folder+file) })
	}
	client, err := m.hub()
	if err != nil {
		return nil, err
	}
	counter, err := tokenizer.ReadCounter(func(file string) ([]byte, error) {
		path, err := client.File(context.Background(), hub.Repo{Kind: hub.Model, ID: name}, file)
		var uncached *hub.UncachedError
		if errors.As(err, &uncached) && (file == tokenizer.ProcessorFile || file == tokenizer.ToolUseFile ||
			file == tokenizer.SpecialFile) {
			return nil, fs.ErrNotExist // few models have these, and other tools leave them out of the cache
		}
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(path)
		if cached, ok := files.(fsext.CacheLayerGetter); ok && err == nil {
			err = fsext.WriteFile(cached.GetCachingFs(), folder+file, data, 0o644)
		}
		return data, err
	})
	if err != nil && !strings.ContainsRune(name, '/') {
		err = fmt.Errorf("there is no such file, and on the hub: %w", err)
	}
	return counter, err
}

// hub is the client of the hub that the environment names. It logs how downloads go.
func (m *ModuleInstance) hub() (*hub.Client, error) {
	client, err := hub.FromEnv(m.lookupEnv)
	if err != nil {
		return nil, err
	}
	if m.hubToken != "" {
		client.Token = m.hubToken
	}
	log, begun := m.vu.InitEnv().Logger, time.Now()
	client.Progress = func(file string, done, total int64) {
		if time.Since(begun) > 2*time.Second {
			log.Infof("fetching %s: %.1f of %.1f MB", plain.Terminal(file), float64(done)/1e6, float64(total)/1e6)
		}
	}
	return client, nil
}

// loadTokenizers reads the tokenizers that a client's options name: its own, and that of its simulator.
func (m *ModuleInstance) loadTokenizers(o *clientOptions) error {
	if o.tokenizer != "" {
		counter, err := m.counter(o.tokenizer)
		if err != nil {
			return err
		}
		written := handedOver(o.Extra)
		log := m.vu.InitEnv().Logger
		if o.Count = counter.Count; o.API == api.Chat {
			o.chatProblem = counter.Problem()
		}
		o.CountPrompt = func(r client.Request) (int, bool) {
			switch {
			case r.Messages != nil:
			case r.AddSpecial != nil && !*r.AddSpecial:
				return counter.Count(r.Prompt), false
			default:
				return counter.CountSpecial(r.Prompt), false
			}
			c := written
			if len(r.Extra) > 0 {
				c = handedOver(o.Extra, r.Extra)
			}
			c.Messages = r.Messages
			n, err := counter.CountPrompt(c)
			if err != nil && counter.Problem() == nil && counter.First(err) {
				log.Warnf("tokenizer %q: %v. Where the server does not count prompts, those of such chats are the "+
					"tokens of their texts alone",
					o.tokenizer, err)
			}
			return n, err != nil
		}
	}
	if o.sim == nil || o.sim.Tokenizer == "" {
		return nil
	}
	counter, err := m.counter(o.sim.Tokenizer)
	if err != nil {
		return err
	}
	return o.sim.Use(counter)
}

// handedOver is what requests hand to the chat template besides their messages: the fields of the body by which vLLM
// and SGLang take it, those of later lists in place of earlier ones.
func handedOver(lists ...api.Extra) (c tokenizer.Chat) {
	fields := api.Extra{}
	for _, list := range lists {
		maps.Copy(fields, list)
	}
	given := func(name string) bool { return len(fields[name]) > 0 && string(fields[name]) != "null" }
	variables := map[string]json.RawMessage{}
	if given("chat_template_kwargs") {
		_ = json.Unmarshal(fields["chat_template_kwargs"], &variables) // what is no object has no variables
	}
	for _, name := range []string{"add_generation_prompt", "continue_final_message", "documents", "reasoning_effort",
		"chat_template"} {
		if given(name) {
			variables[name] = fields[name]
		}
	}
	c.Variables, _ = json.Marshal(variables) // of valid JSON
	if given("tools") {
		c.Tools = fields["tools"]
	}
	return c
}
