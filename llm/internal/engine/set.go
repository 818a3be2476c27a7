package engine

import (
	"context"
	"errors"
	"os"
	"strconv"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/mediahost"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
	"github.com/seed-307b789f/xk6-llm/llm/internal/samples"
	"github.com/seed-307b789f/xk6-llm/llm/internal/traffic"
	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// Set is a data set of one VU.
type Set struct {
	*input.Set
	number    int
	vu        *VU
	input     api.Input // what its items are
	media     []string  // kinds of media in the items
	salted    bool      // with the run's id
	maxTokens int       // replaces each item's own limit; 0 keeps that
	last      int64     // number of the iteration that took an item last; -1 means none
	scenario  string
	pending   *datasets.Asked // the last turn, from a set of conversations

	mixed   []*Set          // the sets of a mix, by part
	classes []traffic.Class // of their requests
}

// OpenSet returns the data set of the options. It works in the VU's init context only.
func (v *VU) OpenSet(o *input.DatasetOptions, source *input.Source) (*Set, error) {
	set, err := source.OpenSet(o)
	if err != nil {
		return nil, err
	}
	s := v.newSet(o, set)
	if set.Sessions != nil {
		v.process.sessions.Store(s.number, true)
	}
	v.sets = append(v.sets, s)
	return s, nil
}

func (v *VU) newSet(o *input.DatasetOptions, set *input.Set) *Set {
	return &Set{
		Set: set, number: len(v.sets), vu: v, input: o.API.Input(), salted: o.SaltedByRun(),
		maxTokens: int(o.MaxTokens), last: -1, media: input.MediaKinds(o),
	}
}

// Number returns the number of the set among those of the script, from 0.
func (s *Set) Number() int { return s.number }

// Turn is an item to send. One from a conversation has the session and the number of its turn.
type Turn struct {
	datasets.Item
	SessionID string
	Number    int
	Class     traffic.Class // of its request, of a mix that of its part

	asked *datasets.Asked // nil if the item is not from a conversation
}

// iteration returns the number of the running iteration's item, which may be taken once.
func (s *Set) iteration() (int64, error) {
	ss, iteration, inside := s.vu.Iteration()
	if !inside {
		return 0, errors.New("next() gives an item per iteration and works in those only, use at(i) here")
	}
	if s.last == iteration && s.scenario == ss.Name {
		return 0, errors.New("next() was called twice in one iteration, use at(i) for further items")
	}
	s.last, s.scenario = iteration, ss.Name
	return firstItem(s.vu.k6.State(), ss.Name) + iteration, nil
}

// NextSession returns the session of the running iteration, of a data set of sessions. Each arrival of the test has a
// replay of its own, over all instances.
func (s *Set) NextSession() (replay.Turn, error) {
	i, err := s.iteration()
	if err != nil {
		return replay.Turn{}, err
	}
	return s.session(s.vu.k6.State(), i)
}

// Next returns the item of the running iteration. Each arrival of the test has an item of its own, over all instances.
// Of a data set of conversations, Next waits for the next turn. If the script did not send the turn before, that turn
// counts as failed.
func (s *Set) Next() (Turn, error) {
	i, err := s.iteration()
	if err != nil {
		return Turn{}, err
	}
	state := s.vu.k6.State()
	if s.pending != nil {
		s.pending.Done("", false)
		if s.vu.turns[s.pending.SessionID] == s.pending { // not sent
			delete(s.vu.turns, s.pending.SessionID)
		}
	}
	turn, err := s.draw(s.vu.k6.Context(), state, s.salt(), i)
	if s.pending = turn.asked; s.pending != nil {
		if s.vu.turns == nil {
			s.vu.turns = map[string]*datasets.Asked{}
		}
		s.vu.turns[s.pending.SessionID] = s.pending
	}
	s.vu.process.media.learn(turn.Parts)
	return turn, orAbort(err)
}

// orAbort returns the interrupt that ends the test if no item could be had.
func orAbort(err error) error {
	if errors.Is(err, mediahost.ErrUnserved) {
		return abort(err.Error())
	}
	return err
}

// At returns item number i, as At of a data set does: in an iteration with the salt of its stage.
func (s *Set) At(i int64) (datasets.Item, error) {
	set, err := s.With(s.salt())
	if err != nil {
		return datasets.Item{}, err
	}
	item, err := set.At(i)
	s.vu.process.media.learn(item.Parts)
	return s.limit(item), orAbort(err)
}

// salt returns the salt of the running iteration's stage.
func (s *Set) salt() string {
	a, _ := arrival.FromContext(s.vu.k6.Context())
	return a.Salt
}

func (s *Set) limit(item datasets.Item) datasets.Item {
	limit := s.maxTokens
	if s.mixed != nil && item.Part > 0 { // 0 of an item that could not be had
		limit = s.mixed[item.Part-1].maxTokens
	}
	if limit > 0 {
		item.MaxTokens = limit
	}
	return item
}

// draw returns item number i, or the next turn of one of the conversations, with the salt of a stage. It may be called
// concurrently.
func (s *Set) draw(ctx context.Context, state *lib.State, salt string, i int64) (Turn, error) {
	if s.salted || s.vu.drewSeed {
		s.vu.warnOfChance(state)
	}
	if whole, ok := s.Set.Set.(*input.Conversations); ok {
		return s.nextTurn(ctx, state, whole, salt)
	}
	set, err := s.With(salt)
	if err != nil {
		return Turn{}, err
	}
	if salt != "" {
		s.WarnOfRepeats(state.Logger, i)
	}
	item, err := set.At(i)
	if err != nil {
		return Turn{}, err
	}
	return Turn{Item: s.limit(item), Class: classOf(s, &item)}, nil
}

// session returns replay number i of a data set of sessions. It may be called concurrently.
func (s *Set) session(state *lib.State, i int64) (replay.Turn, error) {
	if s.vu.drewSeed {
		s.vu.warnOfChance(state)
	}
	return s.Sessions.Turn(i)
}

// nextTurn returns the next turn of one of the conversations, with the salt of a stage.
func (s *Set) nextTurn(ctx context.Context, state *lib.State, whole *input.Conversations, salt string) (Turn, error) {
	if err := whole.Divide(state); err != nil {
		return Turn{}, err
	}
	set, err := s.With(salt)
	if err != nil {
		return Turn{}, err
	}
	c := set.(*input.Conversations) // as whole is
	asked, err := c.Next(ctx)
	if err != nil {
		return Turn{}, err
	}
	if asked.Cut {
		whole.WarnOfCut(state.Logger, asked)
	}
	if salt != "" {
		s.WarnOfRepeats(state.Logger, c.Begun()-1)
	}
	return Turn{Item: s.limit(asked.Item), SessionID: asked.SessionID, Number: asked.Turn, asked: asked}, nil
}

// askedTurn returns the turn that a request asks, or nil if no data set returned such a turn to this VU.
func (v *VU) askedTurn(j *Job) *datasets.Asked {
	asked := v.turns[j.SessionID]
	if asked == nil || asked.Turn != j.Turn {
		return nil
	}
	delete(v.turns, j.SessionID)
	return asked
}

// warnOfChance warns once if this is one of several instances that may have no common run id.
func (v *VU) warnOfChance(state *lib.State) {
	v.process.chanceWarned.Do(func() {
		segment := state.Options.ExecutionSegment
		if segment == nil || segment.FloatLength() == 1 || samples.GivenRunID(os.Args, v.lookupEnv) != "" {
			return
		}
		if v.drewSeed {
			state.Logger.Warnf("each instance of this test draws a seed of its own, and so other prompts and "+
				"arrivals: set %s to the same text for all, or load.base_seed in the configuration", record.RunIDEnv)
			return
		}
		state.Logger.Warnf("each instance of this test makes other prompts, as their salt is the run's id: set %s "+
			"to the same text for all, or the option salt", record.RunIDEnv)
	})
}

// firstItem returns how many items the earlier scenarios take, as scenarios() computed it.
func firstItem(state *lib.State, scenario string) int64 {
	config := state.Options.Scenarios[scenario]
	if config == nil {
		return 0
	}
	n, err := strconv.ParseInt(config.GetEnv()[record.FirstItemEnv], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
