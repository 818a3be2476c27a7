package config

import "github.com/seed-307b789f/xk6-llm/llm/config/internal/tagged"

// DefaultDistribution returns a distribution with no key given.
func DefaultDistribution() Distribution {
	return defaultsOf[Distribution]()
}

// DefaultSharedPrefix returns the section shared_prefix with no key given.
func DefaultSharedPrefix() SharedPrefix {
	return defaultsOf[SharedPrefix]()
}

// DefaultConversationReplay returns the section conversation_replay with no key given. It sets every distribution and
// limit for which nil means a default, except ToolLatency: nil means no pauses.
func DefaultConversationReplay() ConversationReplay {
	return defaultsOf[ConversationReplay]().withDefaults()
}

// DefaultWorkload returns the section workload with no key given.
func DefaultWorkload() Workload { return defaultsOf[Workload]() }

// withDefaults returns the section with each nil replaced by the default it stands for.
func (r ConversationReplay) withDefaults() ConversationReplay {
	for _, missing := range []struct {
		distribution **Distribution
		length       int64
	}{{&r.DynamicPrompt, 0}, {&r.Turns, 10}, {&r.Input, 512}, {&r.Output, 256}} {
		if *missing.distribution == nil {
			*missing.distribution = fixed(missing.length)
		}
	}
	if r.MaxModelLen == nil {
		r.MaxModelLen = new(int64(225_000))
	}
	return r
}

// fixed returns the distribution that always draws n.
func fixed(n int64) *Distribution {
	return &Distribution{Type: Fixed, Mean: float64(n), Min: n, Max: n}
}

// defaultsOf returns a section with no key given.
func defaultsOf[T any]() T {
	var section T
	if err := tagged.SetDefaults(&section); err != nil {
		panic(err) // an invalid tag, which TestTags reports
	}
	return section
}
