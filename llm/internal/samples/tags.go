package samples

import (
	"strconv"
	"sync"

	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/record"
)

// LabelTag is the tag that names the class of a request. A scenario may have it.
const LabelTag = "label"

// tagSets keeps the tag sets of requests: finding one takes a third of the time that adding its tags takes.
type tagSets struct {
	mu   sync.RWMutex
	sets map[tagKey]*metrics.TagSet
}

// tagKey is what the tags of a request depend on.
type tagKey struct {
	vu                             *metrics.TagSet
	model, api, adapter, errorType string
	label, endpoint                string
	stage                          int
}

// requestTags returns the tags of a VU with those of a request.
func (m *Metrics) requestTags(vu *metrics.TagSet, r *record.Request) *metrics.TagSet {
	key := tagKey{vu, r.Model, r.API, r.Adapter, r.ErrorType, r.Label, r.Endpoint, r.Stage}
	m.tags.mu.RLock()
	tags := m.tags.sets[key]
	m.tags.mu.RUnlock()
	if tags != nil {
		return tags
	}
	tags = key.tags()
	m.tags.mu.Lock()
	defer m.tags.mu.Unlock()
	if m.tags.sets == nil {
		m.tags.sets = map[tagKey]*metrics.TagSet{}
	}
	m.tags.sets[key] = tags
	return tags
}

// sessionTags returns the tags of a VU with those of a session.
func sessionTags(vu *metrics.TagSet, s *record.Session) *metrics.TagSet {
	if s.Stage >= 0 {
		vu = vu.With("stage", strconv.Itoa(s.Stage))
	}
	if s.Label != "" {
		vu = vu.With(LabelTag, s.Label)
	}
	if s.ErrorType != "" {
		vu = vu.With("error_type", s.ErrorType)
	}
	return vu
}

// tags makes the set. The order of the tags never changes, as k6 demands of code that builds tag sets.
func (k tagKey) tags() *metrics.TagSet {
	tags := k.vu.With("model", k.model).With("api", k.api)
	if k.stage >= 0 {
		tags = tags.With("stage", strconv.Itoa(k.stage))
	}
	if k.adapter != "" {
		tags = tags.With("adapter", k.adapter)
	}
	if k.label != "" { // it replaces that of the scenario
		tags = tags.With(LabelTag, k.label)
	}
	if k.endpoint != "" {
		tags = tags.With("endpoint", k.endpoint)
	}
	if k.errorType != "" {
		tags = tags.With("error_type", k.errorType)
	}
	return tags
}
