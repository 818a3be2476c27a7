package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/internal/deal"
	"github.com/seed-307b789f/xk6-llm/llm/internal/client"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Part is a part of a mix: its share of the items, the class of their requests, and the set they come from, which is
// open or has options.
type Part struct {
	Share   float64
	Class   traffic.Class
	Set     *Set // nil for one of the options
	Options input.DatasetOptions
}

// CheckParts returns an error unless the shares of the parts add up to 1 and those of one label agree.
func CheckParts(parts []Part) error {
	shares, labels := make([]float64, len(parts)), map[string]int{}
	for i, part := range parts {
		shares[i] = part.Share
		first, known := labels[part.Class.Label]
		switch {
		case part.Class.Label == "":
		case !known:
			labels[part.Class.Label] = i
		default:
			if err := agree(&parts[first].Class, &part.Class); err != nil {
				return fmt.Errorf("numbers %d and %d have the label %q, and different %w: give them the same, or "+
					"labels of their own", first, i, part.Class.Label, err)
			}
		}
	}
	if len(parts) == 0 {
		return errors.New("is an empty list: a mix has parts such as {share: 0.7, label: 'chat', type: 'random', …}")
	}
	if _, err := deal.New(0, shares...); err != nil {
		return fmt.Errorf("the shares: %w", err)
	}
	return nil
}

// agree returns an error that names what two classes of one label differ in, and both values.
func agree(a, b *traffic.Class) error {
	priority := func(c *traffic.Class) string {
		if c.Priority == nil {
			return "none"
		}
		return strconv.FormatInt(*c.Priority, 10)
	}
	for _, of := range []struct {
		what string
		text func(c *traffic.Class) string
	}{
		{"bounds", func(c *traffic.Class) string { return boundsText(c.SLO) }},
		{"priorities", priority},
		{"models", func(c *traffic.Class) string { return strconv.Quote(c.Model) }},
	} {
		if x, y := of.text(a), of.text(b); x != y {
			return fmt.Errorf("%s, %s and %s", of.what, x, y)
		}
	}
	return nil
}

func boundsText(b *record.Bounds) string {
	if b == nil {
		return "none"
	}
	text, _ := json.Marshal(b) // numbers alone
	return string(text)
}

// OpenMix returns the data set of a mix. The parts have passed CheckParts. It works in the VU's init context only.
func (v *VU) OpenMix(o *input.DatasetOptions, parts []Part, source *input.Source) (*Set, error) {
	s := &Set{number: len(v.sets), vu: v, last: -1, classes: make([]traffic.Class, len(parts))}
	shares, sets := make([]float64, len(parts)), make([]*input.Set, len(parts))
	for i, part := range parts {
		one := part.Set
		if one == nil {
			set, err := source.OpenSet(&part.Options)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", part.name(i), err)
			}
			one = v.newSet(&part.Options, set)
		}
		if i == 0 {
			s.input = one.input
		}
		if err := mixes(s, one); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name(i), err)
		}
		shares[i], sets[i], s.classes[i] = part.Share, one.Set, part.Class
		s.mixed, s.media, s.salted = append(s.mixed, one), append(s.media, one.media...), s.salted || one.salted
	}
	var err error
	s.Set, err = source.Shared.OpenMix(o, shares, sets)
	v.sets = append(v.sets, s)
	return s, err
}

// name returns what a part is called in messages.
func (p *Part) name(i int) string {
	if p.Class.Label == "" {
		return fmt.Sprintf("part number %d of the mix", i)
	}
	return fmt.Sprintf("part number %d of the mix, %q", i, p.Class.Label)
}

// mixes returns an error if the items of one cannot be dealt among those of the parts of s before.
func mixes(s, one *Set) error {
	switch {
	case one.Turns():
		return errors.New("its items are the turns of conversations or sessions, which follow one another: send them " +
			"by a scenario with a label of its own, in the same run")
	case one.mixed != nil:
		return errors.New("is a mix itself: list its parts beside the others, with their shares of the whole")
	case one.input != s.input:
		return errors.New("has another api than the parts before it, and one client sends a mix: send it by a " +
			"scenario and a client of its own, in the same run")
	}
	return nil
}

// takesParts returns an error if answers to the client lack what a part of a mix is judged by, or the tokens after
// which its users leave.
func (c *Client) takesParts(s *Set) error {
	for i, class := range s.classes {
		err := CheckBounds(c.opts.API, class.SLO)
		if err != nil {
			err = fmt.Errorf("slo: %w", err)
		} else if err = checkLeave(class.Leave, c.opts.API, client.Trickles(&c.opts.Options)); err != nil {
			err = fmt.Errorf("cancel: %w", err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", (&Part{Class: class}).name(i), err)
		}
	}
	return nil
}

// classOf returns the class of an item's request, of a mix that of its part.
func classOf(s *Set, item *datasets.Item) traffic.Class {
	if s.mixed == nil {
		return traffic.Class{}
	}
	return s.classes[item.Part-1]
}
