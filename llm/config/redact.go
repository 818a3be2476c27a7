package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/seed-307b789f/xk6-llm/internal/secret"
)

// Withheld returns the dotted keys that the load sends and whose secret [Config.Redacted] replaced by ***. The key of a
// header ends in the name of the header.
func (c *Config) Withheld() (keys []string) {
	add := func(key string, withheld bool) {
		if withheld {
			keys = append(keys, key)
		}
	}
	if c.Server != nil {
		add("server.api_key", strings.Contains(c.Server.APIKey, secret.Mark))
		add("server.base_url", hasMark(c.Server.BaseURL))
	}
	for _, name := range slices.Sorted(maps.Keys(c.API.Headers)) {
		text := c.API.Headers[name]
		add("api.headers."+name, strings.TrimSpace(text) == secret.Mark || secret.Named(name) &&
			strings.Contains(text, secret.Mark))
	}
	if c.Tokenizer != nil {
		add("tokenizer.token", strings.Contains(c.Tokenizer.Token, secret.Mark))
	}
	if c.Metrics != nil && c.Metrics.Prometheus != nil {
		add("metrics.prometheus.url", hasMark(string(c.Metrics.Prometheus.URL)))
	}
	return keys
}

// hasMark reports whether the user information of a URL, or a part of its query, was replaced by ***. A text may name
// several URLs.
func hasMark(text string) bool {
	return slices.ContainsFunc(strings.Split(text, ","), isMarked)
}

func isMarked(url string) bool {
	head, query, _ := strings.Cut(url, "?")
	_, rest, _ := strings.Cut(head, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user := authority[:strings.LastIndexByte(authority, '@')+1]
	return strings.Contains(user, secret.Mark) || strings.Contains(query, "="+secret.Mark)
}
