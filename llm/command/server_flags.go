package command

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/llm/config"
	"github.com/seed-307b789f/xk6-llm/llm/internal/api"
)

// serverFlags are the flags that say which server is asked and how.
type serverFlags struct {
	model, api, endpoint    string
	apiKeyEnv, apiKeyHeader string
	headers                 []string
	body, timeout           string
	files                   credentialFiles
}

// register adds the flags to those of a command.
func (s *serverFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&s.model, "model", "", "`NAME` of the model (default: the first listed)")
	flags.StringVar(&s.api, "api", "", "`NAME`: "+strings.Join(api.Names(), ", "))
	flags.StringVar(&s.endpoint, "endpoint", "", "`PATH` in place of /v1/chat/completions")
	flags.StringVar(&s.apiKeyEnv, "api-key-env", "", "`NAME` of the variable that holds the API key")
	flags.StringVar(&s.apiKeyHeader, "api-key-header", "", "`NAME` of the header for the key alone: api-key")
	flags.StringArrayVarP(&s.headers, "header", "H", nil, "`'NAME: VALUE'`, may be repeated")
	flags.StringVar(&s.files.ca, "ca", "", "`FILE` of the authority that signed the certificate")
	flags.StringVar(&s.files.cert, "cert", "", "`FILE` of a client certificate, with --key")
	flags.StringVar(&s.files.key, "key", "", "`FILE` of the key of --cert")
	flags.StringVar(&s.body, "body", "", "`JSON` of further fields: '{\"temperature\": 0}'")
	flags.StringVar(&s.timeout, "timeout", "", "`TIME` that a request may take (default 300s)")
}

// settle sets the keys that the given flags stand for, and options of Client.
func (s *serverFlags) settle(set func(key, value string), client options) error {
	for _, o := range []config.Override{
		{Key: "server.model_name", Value: s.model}, {Key: "api.type", Value: s.api},
		{Key: "x-llm.api_key_env", Value: s.apiKeyEnv},
	} {
		if o.Value != "" {
			set(o.Key, o.Value)
		}
	}
	client.text("endpoint", s.endpoint)
	client.text("apiKeyHeader", s.apiKeyHeader)
	client.text("timeout", s.timeout)
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	files := s.files.under(here)
	client.text("caPath", files.ca)
	client.text("certPath", files.cert)
	client.text("keyPath", files.key)
	if len(s.headers) > 0 {
		text, err := headersJSON(s.headers)
		if err != nil {
			return err
		}
		set("api.headers", text)
	}
	if s.body == "" {
		return nil
	}
	if _, err := s.fields(); err != nil {
		return err
	}
	client["extraBody"] = json.RawMessage(s.body)
	return nil
}

// headersJSON turns headers as curl takes them into a mapping. No error shows the value of a header.
func headersJSON(headers []string) (string, error) {
	all := map[string]string{}
	for i, line := range headers {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return "", fmt.Errorf("-H number %d: write 'NAME: VALUE'", i+1)
		}
		all[name] = strings.TrimSpace(value)
	}
	text, err := json.Marshal(all)
	return string(text), err
}
