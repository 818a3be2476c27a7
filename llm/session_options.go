package llm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/datasets"
	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
	"github.com/seed-307b789f/xk6-llm/llm/internal/replay"
)

// sessionFields are the options of data sets of sessions.
func (o *datasetOptions) sessionFields(rt *sobek.Runtime) fields {
	return fields{
		"unit":     choice(&o.Session.Unit, input.UnitTurn, input.UnitSession),
		"workload": func(v sobek.Value) error { return workloadFields(&o.Session.Workload).read(rt, "workload", v) },
		"replay":   func(v sobek.Value) error { return ruleFields(o.Session).read(rt, "replay", v) },
		"syntheticAgentic": func(v sobek.Value) error {
			return agenticFields(rt, &o.Session.Agentic).read(rt, "syntheticAgentic", v)
		},
	}
}

// workloadFields are the options of sessions that are read from files.
func workloadFields(o *datasets.TraceOptions) fields {
	return fields{
		"format":        choice(&o.Format, datasets.TraceFormats()...),
		"columns":       func(v sobek.Value) error { return readColumns(&o.Columns, v) },
		"blockSize":     count(&o.BlockSize, 1),
		"scope":         choice(&o.Scope, "trace", "session"),
		"filter":        text(&o.Filter),
		"share":         share(&o.Share),
		"entries":       integer(&o.Entries, 1),
		"duplicates":    integer(&o.Duplicates, 1),
		"includeErrors": boolean(&o.IncludeErrors),
		"skipInvalid":   boolean(&o.SkipInvalid),
		"idleGapCap":    duration(&o.IdleGapCap),
	}
}

// readColumns reads the names of a log's columns by what they hold.
func readColumns(dst *map[string]string, v sobek.Value) error {
	if err := texts(dst)(v); err != nil {
		return err
	}
	for name := range *dst {
		if !slices.Contains(input.Columns, name) {
			return fmt.Errorf("unknown column %q, known are %s", name, strings.Join(input.Columns, ", "))
		}
	}
	return nil
}

// ruleFields are the rules by which sessions are replayed.
func ruleFields(o *input.SessionOptions) fields {
	r := &o.Rules
	return fields{
		"answers":      oneOf(&r.Recorded, "live", "recorded"),
		"toolChoice":   oneOf(&r.AsRecorded, "force_recorded", "as_recorded"),
		"badToolCalls": oneOf(&r.UseRecorded, "none", "use_recorded"),
		"toolCallMaxTokens": func(v sobek.Value) error {
			o.RoomForTools = new(bool)
			return boolean(o.RoomForTools)(v)
		},
		"maxWait":            func(v sobek.Value) error { return readMaxWait(&r.MaxWait, v) },
		"predecessorTimeout": duration(&r.PredecessorTimeout),
		"speed": func(v sobek.Value) error {
			if err := number(&r.Speed)(v); err != nil || r.Speed <= 0 {
				return fmt.Errorf("must be a number above 0, such as 2 for twice as fast, got %s", describe(v))
			}
			return nil
		},
		"randomSessionID": boolean(&r.RandomID),
		"cacheBust":       choice((*string)(&r.Mark), string(replay.MarkSession), string(replay.MarkPass)),
		"beginInside":     func(v sobek.Value) error { return readInside(r, v) },
		"maxModelLen":     count(&r.MaxModelLen, 1),
		"headers":         texts(&r.Headers),
		"labels":          texts(&r.Labels),
		"blockSize":       count(&r.BlockSize, 1),
	}
}

// readMaxWait reads the longest wait; 0 is none at all, which the rules, where 0 is no bound, have as a nanosecond.
func readMaxWait(dst *time.Duration, v sobek.Value) error {
	err := duration(dst)(v)
	*dst = max(*dst, 1)
	return err
}

// readInside reads the shares of a session between which the first ones of a closed loop begin.
func readInside(r *replay.Rules, v sobek.Value) error {
	var shares []float64
	err := numbers(&shares)(v)
	if err != nil || len(shares) != 2 || shares[0] < 0 || shares[1] < shares[0] || shares[1] > 1 {
		return errors.New("must be two shares of a session, such as [0.25, 0.75]")
	}
	r.BeginFrom, r.BeginTo = shares[0], shares[1]
	return nil
}

// agenticFields are inference-perf's options of made-up sessions of agents.
func agenticFields(rt *sobek.Runtime, o *input.Agentic) fields {
	lengths := func(dst **datasets.Distribution) func(sobek.Value) error {
		return func(v sobek.Value) error {
			*dst = new(datasets.Distribution)
			return distribution(rt, *dst)(v)
		}
	}
	seconds := func(dst **datasets.Distribution) func(sobek.Value) error {
		return func(v sobek.Value) error {
			*dst = new(datasets.Distribution)
			return pause(rt, *dst)(v)
		}
	}
	return fields{
		"numSessions":              integer(&o.Sessions, 1),
		"inputTokensPerTurn":       lengths(&o.Input),
		"outputTokensPerTurn":      lengths(&o.Output),
		"turnsPerSession":          lengths(&o.Turns),
		"fanoutProbability":        share(&o.Fanout),
		"themeMix":                 func(v sobek.Value) error { return readThemes(&o.Themes, v) },
		"sharedSystemPromptLen":    integer(&o.System, 0),
		"toolLoopDepth":            lengths(&o.ToolLoop),
		"subAgentsPerSpawn":        lengths(&o.SubAgents),
		"maxDepth":                 integer(&o.MaxDepth, 0),
		"maxEventsPerSession":      integer(&o.MaxCalls, 1),
		"toolCatalogSizePerAgent":  lengths(&o.Tools),
		"parallelToolCallsPerStep": lengths(&o.Parallel),
		"toolCallLatencySec":       seconds(&o.ToolLatency),
		"userThinkTimeSec":         seconds(&o.ThinkTime),
		"maxModelLen":              integer(&o.MaxModelLen, 1),
		"contextCompaction": func(v sobek.Value) error {
			return fields{
				"triggerTokens": lengths(&o.CompactAt), "targetTokens": lengths(&o.CompactTo),
			}.read(rt, "contextCompaction", v)
		},
	}
}

// readThemes reads the weights of themes by name.
func readThemes(dst *map[string]float64, v sobek.Value) error {
	given, ok := export(v).(map[string]any)
	if !ok {
		return fmt.Errorf("must be an object such as {generic: 1}, got %s", describe(v))
	}
	*dst = map[string]float64{}
	for name, weight := range given {
		switch x := weight.(type) {
		case int64:
			(*dst)[name] = float64(x)
		case float64:
			(*dst)[name] = x
		default:
			return fmt.Errorf("the weight of %q must be a number", name)
		}
	}
	return nil
}

// choice reads one of several texts.
func choice(dst *string, known ...string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var given string
		if err := text(&given)(v); err != nil {
			return err
		}
		if !slices.Contains(known, given) {
			return fmt.Errorf("unknown %q, known are %s", given, strings.Join(known, ", "))
		}
		*dst = given
		return nil
	}
}

// oneOf reads a text that is either of two, and whether it is the second.
func oneOf(second *bool, first, other string) func(sobek.Value) error {
	return func(v sobek.Value) error {
		var given string
		err := choice(&given, first, other)(v)
		*second = given == other
		return err
	}
}
