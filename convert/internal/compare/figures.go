package compare

// Figures is a run of which only the figures of a report are known, not the requests.
type Figures struct {
	Name             string
	Requests, Failed int
	Seconds          float64
	// Values maps the names that gates use, such as p99(ttft) or requests_per_sec, to values in seconds and shares. A
	// missing name means that the value is unknown.
	Values map[string]float64
	// Doubt has the meaning of Side.Doubt.
	Doubt    string
	Searches []Search // as Side.Searches
}

// noRequests is the remark on every figure that was compared without requests.
const noRequests = "its requests would be needed"

// CompareFigures compares two reports. There are no intervals: a change within the noise floor is the same, any other
// change is unclear, and a gate trips by the change alone.
func CompareFigures(base, fresh Figures, o Options) (*Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Result{Base: base.summary(), New: fresh.summary(), Level: o.Level, Seed: o.Seed}
	if r.addCapacities(base.Searches, fresh.Searches, o); r.searches {
		r.searched(o)
		return r, nil
	}
	r.Notes = append(r.Notes,
		"an input is a report without its requests, so that nobody can tell whether a change is chance")
	for _, q := range quantities() {
		for _, id := range figures(q, o.Percentiles) {
			a, knownBase := base.Values[id.String()]
			b, knownNew := fresh.Values[id.String()]
			if knownBase || knownNew {
				r.Metrics = append(r.Metrics, bare(newMetric(q, id), a, b, knownBase, knownNew, o))
			}
		}
	}
	r.conclude(o)
	return r, nil
}

func (f Figures) summary() SideSummary {
	return SideSummary{Name: f.Name, Requests: f.Requests, Failed: f.Failed, Seconds: known(f.Seconds), Doubt: f.Doubt}
}

// bare compares two values of a figure.
func bare(m Metric, a, b float64, knownBase, knownNew bool, o Options) Metric {
	if knownBase {
		m.Base = known(a)
	}
	if knownNew {
		m.New = known(b)
	}
	if m.Base == nil || m.New == nil {
		m.Warnings = []string{map[bool]string{true: "NEW does not have it",
			false: "BASE does not have it"}[m.New == nil]}
		return m
	}
	m.Change = known(b - a)
	if m.Change == nil {
		return m
	}
	if a != 0 {
		m.Relative = known(*m.Change / max(a, -a))
	}
	m.gated = true
	if m.Verdict = Same; m.beyondFloor(o) {
		m.Verdict, m.Warnings = Unclear, []string{noRequests}
	}
	return m
}
