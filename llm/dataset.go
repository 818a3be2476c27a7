package llm

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/grafana/sobek"
	"github.com/tidwall/gjson"
	"go.k6.io/k6/v2/errext"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
)

// newDataset is the constructor of Dataset.
func (m *ModuleInstance) newDataset(call sobek.ConstructorCall) *sobek.Object {
	rt := m.vu.Runtime()
	opts := newDatasetOptions()
	if err := opts.fields(rt).read(rt, "Dataset", call.Argument(0)); err != nil {
		throw(rt, err)
	}
	if err := opts.Check(opts.given); err != nil {
		throw(rt, err)
	}
	if m.vu.InitEnv() == nil {
		throw(rt, errors.New("a Dataset can be made in the init context only, outside the default function"))
	}
	if err := readParts(m, opts); err != nil {
		throw(rt, err)
	}
	set, err := openSet(m, opts)
	if err != nil {
		throw(rt, err)
	}
	d := &jsDataset{set, m, call.This, opts.mix.classes}
	m.sets = append(m.sets, d)
	length := rt.ToValue(func() any { return d.length() })
	err = call.This.DefineAccessorProperty("length", length, nil, sobek.FLAG_FALSE, sobek.FLAG_TRUE)
	if err == nil {
		err = stand(rt, call.This, set.Number(), map[string]any{
			"next": func() (sobek.Value, error) {
				item, err := d.next()
				return item, asPrintable(err)
			},
			"at": throwing(d.at),
			"starts": func() ([]float64, error) {
				starts, err := d.starts()
				return starts, asPrintable(err)
			},
		})
	}
	if err != nil {
		throw(rt, err)
	}
	return nil
}

// source returns the reader of the VU's inputs. It works in the init context only.
func (m *ModuleInstance) source() *input.Source {
	env := m.vu.InitEnv()
	return &input.Source{
		Shared: &m.root.process.Inputs, Files: env.FileSystems["file"], Lookup: m.lookupEnv, HubToken: m.hubToken,
		Abs:   func(path string) string { return env.GetAbsFilePath(strings.TrimPrefix(path, "file://")) },
		RunID: func() string { return samples.ProcessRunID(os.Args, m.lookupEnv) },
		Log:   env.Logger,
	}
}

// jsDataset is a Dataset object of a script.
type jsDataset struct {
	*engine.Set
	m       *ModuleInstance
	script  *sobek.Object
	classes []map[string]any // of a mix, by part; see mixOptions
}

func (d *jsDataset) length() any {
	if n, finite := d.Len(); finite {
		return n
	}
	return nil
}

// next returns the item of the running iteration, with its session and turn if it is from a conversation.
func (d *jsDataset) next() (sobek.Value, error) {
	if d.Sessions != nil {
		return d.nextSession()
	}
	turn, err := d.Next()
	if err != nil {
		return nil, d.failed(err)
	}
	obj, err := d.object(turn.Item)
	if turn.SessionID != "" {
		err = errors.Join(err, obj.Set("sessionID", turn.SessionID), obj.Set("turn", turn.Number))
	}
	return obj, err
}

func (d *jsDataset) at(i sobek.Value) (sobek.Value, error) {
	var n int64
	if err := integer(&n, 0)(i); err != nil {
		return nil, fmt.Errorf("at(i): %w", err)
	}
	if d.Sessions != nil {
		return d.sessionAt(n)
	}
	return d.item(n)
}

// item returns an item as a plain object, which a script may change and send.
func (d *jsDataset) item(i int64) (sobek.Value, error) {
	item, err := d.At(i)
	if err != nil {
		return nil, d.failed(err)
	}
	return d.object(item)
}

// failed returns an error for the script, which never sees it if the test is to end.
func (d *jsDataset) failed(err error) error {
	if interrupt, ok := errors.AsType[*errext.InterruptError](err); ok {
		d.m.vu.Runtime().Interrupt(abortError{interrupt})
		return nil
	}
	return err
}

func (d *jsDataset) object(item datasets.Item) (obj *sobek.Object, err error) {
	rt := d.m.vu.Runtime()
	obj = rt.NewObject()
	set := func(name string, value any) { err = errors.Join(err, obj.Set(name, value)) }
	texts := func(list []string) any {
		values := make([]any, len(list))
		for k, text := range list {
			values[k] = text
		}
		return rt.NewArray(values...)
	}
	switch {
	case item.Sound != nil:
		file := rt.NewObject()
		err = errors.Join(file.Set("name", item.Sound.Name), file.Set("data", rt.NewArrayBuffer(item.Sound.Data)))
		set("file", file)
	case item.Query != "":
		set("query", item.Query)
		set("documents", texts(item.Inputs))
	case len(item.Inputs) == 1:
		set("input", item.Inputs[0])
	case item.Inputs != nil:
		set("input", texts(item.Inputs))
	case item.Chat != nil:
		set("messages", fromJSON(rt, gjson.ParseBytes(item.Chat)))
	case item.Messages != nil:
		messages := make([]any, len(item.Messages))
		for k, message := range item.Messages {
			o := rt.NewObject()
			var content any = message.Content
			if item.Parts != nil && k == len(item.Messages)-1 {
				var failed error
				content, failed = partsOf(rt, item.Parts)
				err = errors.Join(err, failed)
			}
			err = errors.Join(err, o.Set("role", message.Role), o.Set("content", content))
			messages[k] = o
		}
		set("messages", rt.NewArray(messages...))
	default:
		set("prompt", item.Prompt)
	}
	if item.PromptTokens > 0 && item.Messages == nil { // not of a chat, where the server counts the template too
		set("promptTokens", item.PromptTokens)
	}
	if item.Bare && item.Messages == nil {
		set("addSpecialTokens", false)
	}
	if item.MaxTokens > 0 {
		set("maxTokens", item.MaxTokens)
	}
	if item.Params != nil {
		set("extraBody", fromJSON(rt, gjson.ParseBytes(item.Params)))
	}
	return obj, errors.Join(err, classify(d, obj, item.Part))
}

// fromJSON turns JSON into a JavaScript value. Keys keep their order.
func fromJSON(rt *sobek.Runtime, v gjson.Result) sobek.Value {
	switch {
	case v.IsArray():
		var items []any
		v.ForEach(func(_, item gjson.Result) bool {
			items = append(items, fromJSON(rt, item))
			return true
		})
		return rt.NewArray(items...)
	case v.IsObject():
		obj := rt.NewObject()
		v.ForEach(func(key, item gjson.Result) bool {
			// cannot fail on a plain object
			_ = obj.DefineDataProperty(key.Str, fromJSON(rt, item), sobek.FLAG_TRUE, sobek.FLAG_TRUE, sobek.FLAG_TRUE)
			return true
		})
		return obj
	case v.Type == gjson.Null:
		return sobek.Null()
	case v.Type == gjson.Number:
		if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil && n != 0 { // -0 is not an integer
			return rt.ToValue(n)
		}
	}
	return rt.ToValue(v.Value())
}
