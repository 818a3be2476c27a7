package executor

// warnEmpty logs the stages that have a rate but no arrival on any instance.
func (r *run) warnEmpty() {
	for i, s := range r.plan.Stages {
		if s.Closed() || r.plan.HasArrival(i) {
			continue
		}
		r.empty = append(r.empty, i)
		if area := s.Area(); area > 0 {
			r.log.Warnf("stage %d of scenario %q has no arrival: its rate times its duration is %.3g requests",
				r.stages[i].Index, r.config.Name, area)
		}
	}
}

// explainTimeout logs that a stage has timed out after so many of its requests had begun on this instance.
func (r *run) explainTimeout(i int, begun int64) {
	s := r.plan.Stages[i]
	unit := r.plan.Unit()
	if r.config.Exec.Native == nil {
		unit = "iterations" // each of which may replay a session
	}
	r.log.Warnf("stage %d of scenario %q timed out after %v: it began %d of its %d %s", r.stages[i].Index,
		r.config.Name, s.Timeout, begun, r.tuple.ScaleInt64(s.Requests), unit)
}

// explain logs in one line why this instance sent less than expected: which option to raise, and to which value.
func (r *run) explain() {
	dropped := r.dropped.Load()
	switch {
	case dropped == 0 && r.sent == 0 && r.parent.Err() == nil && len(r.empty) < len(r.plan.Stages):
		r.log.Warnf("no arrival of scenario %q fell to this instance (segment %s): it was idle", r.config.Name,
			r.state.ExecutionTuple.Segment)
		return
	case dropped == 0:
		return
	}
	_, most := r.config.vus()
	r.log.Warnf("%d arrivals of scenario %q found no free VU and were dropped: the load was less than asked for. "+
		"Raise %s.",
		dropped, r.config.Name, r.pool.advice(most))
}
