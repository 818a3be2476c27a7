package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// writeLengths writes a line on the lengths of prompts and answers: what was asked for, and what came, as means.
func writeLengths(w io.Writer, c *config.Config, s *convert.Lifecycle) error {
	var parts []string
	if asked, made := askedPrompt(c.Data); made && s.Successes.PromptLen != nil {
		parts = append(parts, fmt.Sprintf("prompts %.4g asked, %.4g got", asked, s.Successes.PromptLen.Mean))
	}
	if l := s.Additions.Tokens.Limit; l.Requests > 0 {
		n := float64(l.Requests)
		parts = append(parts, fmt.Sprintf("answers %.4g asked, %.4g got", float64(l.Asked)/n, float64(l.Delivered)/n))
	}
	if parts == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "tokens, means: %s\n", strings.Join(parts, "; "))
	return err
}

// askedPrompt returns the mean length of the prompts that are made, and false where they come from a file.
func askedPrompt(d config.Data) (float64, bool) {
	if d.Input == nil || d.Trace != nil || d.Type != config.RandomData && d.Type != config.SyntheticData {
		return 0, false
	}
	if d.Input.Type == config.Uniform {
		return float64(d.Input.Min+d.Input.Max) / 2, true
	}
	return d.Input.Mean, true
}
