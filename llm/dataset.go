package llm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/grafana/sobek"
	"go.k6.io/k6/v2/js/common"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/lib/fsext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/measure"
)

// datasetOptions are the options of new Dataset.
type datasetOptions struct {
	kind    string
	path    string
	api     string
	seed    int64
	hasSeed bool

	tokenizer string
}

func (o *datasetOptions) fields() fields {
	return fields{
		"type":      text(&o.kind),
		"path":      text(&o.path),
		"api":       text(&o.api),
		"seed":      func(v sobek.Value) error { o.hasSeed = true; return integer(&o.seed, 0)(v) },
		"tokenizer": text(&o.tokenizer),
	}
}

func (o *datasetOptions) check() error {
	switch {
	case o.api != "chat" && o.api != "completion":
		return invalid("Dataset", "api", fmt.Errorf("must be 'chat' or 'completion', got %q", o.api))
	case o.kind == "":
		return invalid("Dataset", "type", errors.New("is missing, known are shareGPT, mock"))
	case o.kind != "shareGPT" && o.kind != "mock":
		return invalid("Dataset", "type", fmt.Errorf("unknown %q, known are shareGPT, mock", o.kind))
	case o.kind == "shareGPT" && o.path == "":
		return invalid("Dataset", "path", errors.New("is missing: shareGPT reads a file"))
	case o.kind == "mock" && o.tokenizer != "":
		return invalid("Dataset", "tokenizer", errors.New("mock has no answers to measure"))
	case o.kind == "mock" && o.path != "":
		return invalid("Dataset", "path", errors.New("mock reads no file"))
	}
	return nil
}

func (o *datasetOptions) form() datasets.Form {
	if o.api == "completion" {
		return datasets.AsCompletion
	}
	return datasets.AsChat
}

// newDataset is the constructor of Dataset.
func (m *ModuleInstance) newDataset(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	opts := datasetOptions{api: "chat"}
	if err := opts.fields().read(rt, "Dataset", call.Argument(0)); err != nil {
		common.Throw(rt, err)
	}
	if err := opts.check(); err != nil {
		common.Throw(rt, err)
	}
	if m.vu.InitEnv() == nil {
		common.Throw(rt, errors.New("a Dataset can be made in the init context only, outside the default function"))
	}
	set, err := m.openSet(opts)
	if err != nil {
		common.Throw(rt, err)
	}
	d := &jsDataset{m: m, set: set, last: -1}
	for name, value := range map[string]any{"next": d.next, "at": d.at, "length": d.length()} {
		if err := call.This.Set(name, value); err != nil {
			common.Throw(rt, err)
		}
	}
	return nil
}

// openSet reads a file once per process, through k6's file system, which puts it into archives.
func (m *ModuleInstance) openSet(opts datasetOptions) (datasets.Set, error) {
	if opts.kind == "mock" {
		return datasets.Mock{Form: opts.form()}, nil
	}
	var count func(text string) int
	if opts.tokenizer != "" {
		counter, err := m.counter(opts.tokenizer)
		if err != nil {
			return nil, err
		}
		count = counter.CountSpecial
	}
	path := m.absPath(opts.path)
	key := fmt.Sprint(path, "\x00", opts.api, opts.hasSeed, opts.seed, "\x00", opts.tokenizer)
	return m.root.datasets.get(key, func() (datasets.Set, error) {
		data, path, err := m.readFile("data set", opts.path)
		if err != nil {
			return nil, err
		}
		read := datasets.Options{Form: opts.form(), Count: count}
		if opts.hasSeed {
			read.Seed = &opts.seed
		}
		return datasets.ReadShareGPT(bytes.NewReader(data), path, read)
	})
}

func (m *ModuleInstance) absPath(path string) string {
	return m.vu.InitEnv().GetAbsFilePath(strings.TrimPrefix(path, "file://"))
}

// readFile reads a file by k6's file system, which puts it into archives; what names it in errors.
func (m *ModuleInstance) readFile(what, path string) (data []byte, abs string, err error) {
	if path == "" {
		return nil, "", fmt.Errorf("%s: the path is empty", what)
	}
	abs = m.absPath(path)
	data, err = fsext.ReadFile(m.vu.InitEnv().FileSystems["file"], abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, abs, fmt.Errorf("%s %s does not exist: check path (DATASET in our scripts)", what, abs)
	case err != nil:
		return nil, abs, fmt.Errorf("%s %s: %w", what, abs, err)
	}
	return data, abs, nil
}

// jsDataset is a Dataset object of a script.
type jsDataset struct {
	m        *ModuleInstance
	set      datasets.Set
	last     int64 // number of the iteration that took an item last, -1 for none
	scenario string
}

func (d *jsDataset) length() any {
	if n, finite := d.set.Len(); finite {
		return n
	}
	return nil
}

// next gives the item of the running iteration: a number of its own for each arrival of the test, over all instances.
func (d *jsDataset) next() (sobek.Value, error) {
	ss, iteration, inside := d.m.iteration()
	if !inside {
		return nil, errors.New("next() gives an item per iteration and works in those only, use at(i) here")
	}
	if d.last == iteration && d.scenario == ss.Name {
		return nil, errors.New("next() was called twice in one iteration, use at(i) for further items")
	}
	d.last, d.scenario = iteration, ss.Name
	return d.item(firstItem(d.m.vu.State(), ss.Name) + iteration)
}

// firstItem is how many items the scenarios before this one take, as scenarios() worked it out.
func firstItem(state *lib.State, scenario string) int64 {
	config := state.Options.Scenarios[scenario]
	if config == nil {
		return 0
	}
	n, err := strconv.ParseInt(config.GetEnv()[measure.FirstItemEnv], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (d *jsDataset) at(i sobek.Value) (sobek.Value, error) {
	var n int64
	if err := integer(&n, 0)(i); err != nil {
		return nil, fmt.Errorf("at(i): %w", err)
	}
	return d.item(n)
}

// item makes a plain object, which a script may change and send.
func (d *jsDataset) item(i int64) (sobek.Value, error) {
	rt := d.m.vu.Runtime()
	item := d.set.At(i)
	obj := rt.NewObject()
	var err error
	if item.Messages != nil {
		messages := make([]any, len(item.Messages))
		for k, message := range item.Messages {
			o := rt.NewObject()
			err = errors.Join(err, o.Set("role", message.Role), o.Set("content", message.Content))
			messages[k] = o
		}
		err = errors.Join(err, obj.Set("messages", rt.NewArray(messages...)))
	} else {
		err = errors.Join(err, obj.Set("prompt", item.Prompt))
	}
	if item.MaxTokens > 0 {
		err = errors.Join(err, obj.Set("maxTokens", item.MaxTokens))
	}
	return obj, err
}
