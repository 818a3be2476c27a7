package dropin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/config"
)

// pathOptions are the options of scripts that are paths of files.
var pathOptions = []string{"path", "trace", "corpusFilePath", "certPath", "keyPath", "caPath", "log"}

// add adds the options of x-llm to o. Relative paths in them start where those of the configuration do.
func (m mapping) add(o Map, own config.ScriptOptions) {
	for name, raw := range own {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			continue // the configuration holds valid JSON only
		}
		switch text, isText := value.(string); {
		case isText && slices.Contains(pathOptions, name):
			o[name] = m.path(text)
		case value == nil:
			delete(o, name)
		case isScalar(value):
			o[name] = value
		default:
			o[name] = raw // a mapping or a list, whose numbers and order stay as they are written
		}
	}
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, float64, bool:
		return true
	}
	return false
}

// addLoad changes a load as x-llm.load says.
func addLoad(load *arrival.Load, own config.ScriptOptions) error {
	if len(own) == 0 {
		return nil
	}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(load); err != nil {
		return fmt.Errorf("x-llm.load: %w", err)
	}
	return nil
}

// FindAPIKey takes the API key from the environment variable that x-llm.api_key_env names.
func FindAPIKey(c *config.Config, lookupEnv func(string) (string, bool)) error {
	name := c.Own.APIKeyEnv
	if name == "" || c.Server == nil {
		return nil
	}
	key, set := lookupEnv(name)
	if !set || key == "" {
		return fmt.Errorf("x-llm.api_key_env: the environment variable %s is not set: it is to hold the API key", name)
	}
	c.Server.APIKey = key
	return nil
}
