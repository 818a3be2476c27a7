package outcome

import (
	"encoding/json"
	"math"

	"github.com/seed-307b789f/xk6-llm/convert/internal/tradeoff"
	"github.com/seed-307b789f/xk6-llm/internal/experiment"
)

// FileName is the name of the document in the directory of an experiment.
const FileName = "experiment_summary.json"

const documentSchema = "xk6-llm/experiment-summary/1"

// number is null where it is unknown.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if v := float64(n); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return json.Marshal(v)
	}
	return []byte("null"), nil
}

type document struct {
	Schema      string         `json:"schema"`
	Name        string         `json:"name"`
	Level       float64        `json:"confidence_level"`
	Repeats     int            `json:"repeats"`
	Currency    string         `json:"currency,omitempty"`
	Figures     []Kind         `json:"figures"`
	Cells       []cellDocument `json:"cells"`
	Settings    []settingJSON  `json:"settings"`
	Fronts      []frontJSON    `json:"fronts"`
	Answers     []answerJSON   `json:"answers"`
	Factors     []factorJSON   `json:"factors"`
	Effects     []effectsJSON  `json:"effects"`
	WhatMatters []Matter       `json:"what_matters"`
	Notes       []string       `json:"notes"`
}

type cellDocument struct {
	Name       string                 `json:"name"`
	Setting    int                    `json:"setting"`
	Deployment string                 `json:"deployment"`
	Parameters []experiment.Parameter `json:"parameters"`
	Workload   string                 `json:"workload"`
	Load       string                 `json:"load"`
	Stage      string                 `json:"stage,omitempty"`
	Repeat     int                    `json:"repeat"`
	Units      number                 `json:"units"`
	Price      string                 `json:"price,omitempty"`
	Status     experiment.Status      `json:"status"`
	Directory  string                 `json:"directory"`
	Counted    bool                   `json:"counted"`
	Excluded   string                 `json:"excluded,omitempty"`
	Suspect    bool                   `json:"suspect"`
	Log        string                 `json:"log,omitempty"`
	Verdict    string                 `json:"verdict,omitempty"`
	Model      string                 `json:"model,omitempty"`
	Requests   int                    `json:"requests"`
	Failed     int                    `json:"failed"`
	SLO        string                 `json:"slo,omitempty"`
	Kept       *bool                  `json:"slo_kept,omitempty"`
	Observed   string                 `json:"observed,omitempty"`
	Answer     string                 `json:"search,omitempty"`
	Probes     []probeJSON            `json:"probes,omitempty"`
	Figures    map[string]figureJSON  `json:"figures"`
}

type probeJSON struct {
	Load    string `json:"load"`
	PerUser number `json:"tokens_per_sec_per_user"`
	Output  number `json:"output_tokens_per_sec"`
	Outcome string `json:"outcome"`
	Verdict string `json:"verdict"`
}

type figureJSON struct {
	Value    number `json:"value"`
	Low      number `json:"low"`
	High     number `json:"high"`
	LogError number `json:"log_error"`
	Freedom  number `json:"degrees_of_freedom"`
	Shared   bool   `json:"shared_error,omitempty"`
}

type settingJSON struct {
	Variant  string                `json:"variant"`
	Workload string                `json:"workload"`
	Load     string                `json:"load"`
	Cells    []int                 `json:"cells"`
	Excluded []int                 `json:"excluded_cells"`
	Suspect  bool                  `json:"suspect"`
	Kept     *bool                 `json:"slo_kept,omitempty"`
	Figures  map[string]figureJSON `json:"figures"`
}

type frontJSON struct {
	Workload string      `json:"workload"`
	X        string      `json:"x"`
	Y        string      `json:"y"`
	Points   []pointJSON `json:"points"`
}

type pointJSON struct {
	Setting     int            `json:"setting"`
	Place       tradeoff.Place `json:"place"`
	Best        bool           `json:"not_dominated_by_values"`
	DominatedBy *int           `json:"dominated_by,omitempty"`
}

type changeJSON struct {
	Factor number `json:"factor"`
	Low    number `json:"low"`
	High   number `json:"high"`
}

type answerJSON struct {
	Workload string      `json:"workload"`
	Question string      `json:"question"`
	Figure   string      `json:"figure"`
	Best     *int        `json:"best"`
	Next     *int        `json:"next"`
	Alike    []int       `json:"alike"`
	Rival    *int        `json:"better_but_not_counted"`
	Change   *changeJSON `json:"next_over_best"`
	Told     bool        `json:"told_apart"`
	Text     string      `json:"text"`
	Sure     string      `json:"sure"`
}

type factorJSON struct {
	Name   string   `json:"name"`
	Levels []string `json:"levels"`
	Chosen bool     `json:"of_the_deployment"`
}

type effectsJSON struct {
	Figure       string            `json:"figure"`
	Complete     bool              `json:"complete"`
	Settings     int               `json:"settings"`
	Noise        number            `json:"noise_share"`
	Factors      []influenceJSON   `json:"factors"`
	Interactions []interactionJSON `json:"interactions"`
}

type influenceJSON struct {
	Factor  string       `json:"factor"`
	Typical number       `json:"typical_factor"`
	Share   number       `json:"variance_share"`
	Total   number       `json:"variance_share_with_interactions"`
	Effects []effectJSON `json:"effects"`
}

type effectJSON struct {
	From   string     `json:"from"`
	To     string     `json:"to"`
	Pairs  int        `json:"pairs"`
	Change changeJSON `json:"change"`
	Least  number     `json:"least"`
	Most   number     `json:"most"`
	Basis  string     `json:"interval_by"`
	Varies bool       `json:"pairs_differ_beyond_noise"`
}

type interactionJSON struct {
	Factor string      `json:"factor"`
	On     string      `json:"depends_on"`
	From   string      `json:"from"`
	To     string      `json:"to"`
	Strong atLevelJSON `json:"strongest"`
	Weak   atLevelJSON `json:"weakest"`
	Quads  int         `json:"quadruples"`
	Change changeJSON  `json:"difference"`
	P      number      `json:"p_value_adjusted"`
	Text   string      `json:"text"`
}

type atLevelJSON struct {
	Level  string     `json:"level"`
	Change changeJSON `json:"change"`
}

// MarshalJSON writes everything as the schema docs/schema/experiment-summary.schema.json describes it.
func (o *Outcome) MarshalJSON() ([]byte, error) {
	d := document{Schema: documentSchema, Name: o.Name, Level: tradeoff.Level, Repeats: o.Repeats, Currency: o.Currency,
		Figures: list(o.Kinds), Cells: cellDocuments(o), Settings: []settingJSON{}, Fronts: []frontJSON{},
		Answers: []answerJSON{}, Factors: []factorJSON{}, Effects: []effectsJSON{}, WhatMatters: list(o.Matters()),
		Notes: list(o.Notes)}
	for _, s := range o.Settings {
		one := settingJSON{s.Variant, s.First.Workload, s.Load, list(s.Cells), list(s.Excluded), s.Suspect, nil,
			figuresJSON(s.Figures)}
		if s.Judged {
			one.Kept = &s.Kept
		}
		d.Settings = append(d.Settings, one)
	}
	for _, f := range o.Fronts {
		d.Fronts = append(d.Fronts, f.document())
	}
	for _, a := range o.Answers {
		one := answerJSON{Workload: a.Workload, Question: a.Question, Figure: a.Kind.Name, Told: a.Told(), Text: a.Text,
			Sure: a.Sure, Best: numberOf(a.Best), Next: numberOf(a.Next), Alike: []int{}, Rival: a.Rival}
		for _, s := range a.Alike {
			one.Alike = append(one.Alike, s.Number)
		}
		if a.Next != nil {
			one.Change = new(changeOf(a.Change))
		}
		d.Answers = append(d.Answers, one)
	}
	for _, f := range o.Factors {
		d.Factors = append(d.Factors, factorJSON{f.Name, f.Levels, f.Chosen})
	}
	for _, e := range o.Effects {
		d.Effects = append(d.Effects, effectsDocument(o, e))
	}
	return json.Marshal(d)
}

// list returns a list that is no null.
func list[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

func numberOf(s *Setting) *int {
	if s == nil {
		return nil
	}
	return &s.Number
}

func changeOf(c tradeoff.Change) changeJSON {
	return changeJSON{number(math.Exp(c.Log)), number(math.Exp(c.Low)), number(math.Exp(c.High))}
}

func figuresJSON(figures map[string]Figure) map[string]figureJSON {
	out := map[string]figureJSON{}
	for name, f := range figures {
		freedom := f.Estimate.Freedom
		if math.IsInf(freedom, 1) {
			freedom = 1e9
		}
		out[name] = figureJSON{number(f.Value), number(f.Low), number(f.High), number(f.Estimate.Error),
			number(freedom), f.Estimate.Shared}
	}
	return out
}

func cellDocuments(o *Outcome) []cellDocument {
	settings := make([]int, len(o.Cells))
	for _, s := range o.Settings {
		for _, i := range append(list(s.Cells), s.Excluded...) {
			settings[i] = s.Number
		}
	}
	out := []cellDocument{}
	for i := range o.Cells {
		c := &o.Cells[i]
		one := cellDocument{Name: c.Name, Setting: settings[i], Deployment: c.Deployment,
			Parameters: list(c.Parameters), Workload: c.Workload, Load: c.Load, Stage: c.Stage, Repeat: c.Repeat,
			Units: number(c.Units), Price: c.Price, Status: c.Status, Directory: c.Directory, Excluded: c.Excluded(),
			Verdict: c.Verdict, Model: c.Model, Requests: c.Requests, Failed: c.Failed, SLO: c.SLO,
			Suspect: c.Suspect(), Log: c.Log, Observed: c.Observed, Answer: c.Answer, Figures: figuresJSON(c.Figures)}
		if one.Counted = one.Excluded == ""; c.SLO != "" {
			one.Kept = &c.Kept
		}
		for _, p := range c.Probes {
			one.Probes = append(one.Probes, probeJSON{p.Load, number(p.PerUser), number(p.Output), p.Outcome,
				p.Verdict})
		}
		out = append(out, one)
	}
	return out
}

func (f *Front) document() frontJSON {
	out := frontJSON{Workload: f.Workload, X: f.X.Name, Y: f.Y.Name}
	for _, p := range f.Points {
		out.Points = append(out.Points, pointJSON{p.Setting.Number, p.Place, p.Best, numberOf(p.Above)})
	}
	return out
}

func effectsDocument(o *Outcome, e Effects) effectsJSON {
	out := effectsJSON{Figure: e.Kind.Name, Complete: e.Complete, Settings: e.Settings, Noise: number(e.Noise),
		Factors: []influenceJSON{}, Interactions: []interactionJSON{}}
	for _, v := range e.Influences {
		one := influenceJSON{v.Of.Name, number(math.Exp(v.Typical)), number(v.Share), number(v.Total),
			[]effectJSON{}}
		for _, x := range v.Effects {
			basis := "noise"
			if x.OfPairs {
				basis = "pairs"
			}
			one.Effects = append(one.Effects, effectJSON{x.From, x.To, x.Pairs, changeOf(x.Change),
				number(math.Exp(x.Least)), number(math.Exp(x.Most)), basis, x.Varies})
		}
		out.Factors = append(out.Factors, one)
	}
	for _, x := range e.Interactions {
		one := interactionJSON{Factor: o.Factors[x.Factor].Name, On: o.Factors[x.On].Name, From: x.From, To: x.To,
			Change: changeOf(x.Difference), P: number(x.P), Text: o.Sentence(x), Quads: x.Quads,
			Strong: atLevelJSON{x.Strong.Level, changeOf(x.Strong.Change)},
			Weak:   atLevelJSON{x.Weak.Level, changeOf(x.Weak.Change)}}
		out.Interactions = append(out.Interactions, one)
	}
	return out
}
