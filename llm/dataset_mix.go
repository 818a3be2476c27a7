package llm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// mixOptions are the parts of a mix.
type mixOptions struct {
	given   sobek.Value // as the script wrote them
	parts   []engine.Part
	classes []map[string]any // what each part's items say of their requests, as values of JavaScript
}

// readParts reads the parts of a mix, after the options that they take over.
func readParts(m *ModuleInstance, o *datasetOptions) error {
	if o.Kind != input.MixKind {
		return nil
	}
	list, ok := o.mix.given.(*sobek.Object)
	if !ok || list.ClassName() != "Array" {
		return invalid("Dataset", "parts", fmt.Errorf("must be an array such as [{share: 0.7, label: 'chat', type: "+
			"'random', …}], got %s", describe(o.mix.given)))
	}
	for i := range int(list.Get("length").ToInteger()) {
		if err := readPart(m, o, i, list.Get(strconv.Itoa(i))); err != nil {
			return invalid("Dataset", "parts", fmt.Errorf("number %d: %w", i, err))
		}
	}
	if err := engine.CheckParts(o.mix.parts); err != nil {
		return invalid("Dataset", "parts", err)
	}
	return nil
}

// readPart reads part number i, whose data set is a Dataset, or is described by its options.
func readPart(m *ModuleInstance, o *datasetOptions, i int, v sobek.Value) error {
	rt := m.vu.Runtime()
	if absent(v) {
		return fmt.Errorf("must be an object, got %s", describe(v))
	}
	var part engine.Part
	own := &datasetOptions{DatasetOptions: input.PartOptions(&o.DatasetOptions), given: map[string]bool{}}
	f, class := own.fields(rt), map[string]any{}
	for name, read := range classFields(rt, &part.Class) {
		f[name] = func(v sobek.Value) error { class[name] = export(v); return read(v) }
	}
	f["share"] = number(&part.Share)
	f["data"] = func(v sobek.Value) error {
		at := slices.IndexFunc(m.sets, func(d *jsDataset) bool { return v.SameAs(d.script) })
		if at < 0 {
			return errors.New("must be a Dataset that the script made before; the options of one stand beside share")
		}
		part.Set = m.sets[at].Set
		return nil
	}
	if err := f.read(rt, "part", v); err != nil {
		return err
	}
	obj, _ := v.(*sobek.Object) // as read has found
	if absent(obj.Get("share")) {
		return errors.New("share is missing: its part of the requests, such as 0.7")
	}
	if err := checkPart(o, i, &part, own); err != nil {
		return err
	}
	part.Options = own.DatasetOptions
	o.mix.parts, o.mix.classes = append(o.mix.parts, part), append(o.mix.classes, class)
	return nil
}

// checkPart settles and checks the options of part number i, which a Dataset that was made before has already.
func checkPart(o *datasetOptions, i int, part *engine.Part, own *datasetOptions) error {
	if part.Set == nil {
		return input.CheckPart(&o.DatasetOptions, i, &own.DatasetOptions, own.given)
	}
	if names := slices.Sorted(maps.Keys(own.given)); len(names) > 0 {
		return fmt.Errorf("data is a Dataset, which has its options: leave %s out", names[0])
	}
	return nil
}

// openSet opens the data set of the options.
func openSet(m *ModuleInstance, o *datasetOptions) (*engine.Set, error) {
	if o.Kind == input.MixKind {
		return m.engine.OpenMix(&o.DatasetOptions, o.mix.parts, m.source())
	}
	return m.engine.OpenSet(&o.DatasetOptions, m.source())
}

// classify writes the class of an item's request, which is that of its part, into the item.
func classify(d *jsDataset, obj *sobek.Object, part int) error {
	if part == 0 {
		return nil
	}
	class := d.classes[part-1]
	for _, name := range slices.Sorted(maps.Keys(class)) {
		value, err := native(d.m.vu.Runtime(), class[name])
		if err == nil {
			err = obj.Set(name, value)
		}
		if err != nil {
			return fmt.Errorf("part number %d of the mix: %s: %w", part-1, name, err)
		}
	}
	return nil
}
