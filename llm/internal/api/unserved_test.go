package api

import (
	"strings"
	"testing"
)

// The words are those of nginx 1.31, Envoy 1.40 and sglang-router 0.3.2, and of LiteLLM 1.108.
func TestUnserved(t *testing.T) {
	t.Parallel()
	const ofEnvoy = "upstream connect error or disconnect/reset before headers. reset reason: "
	for _, tt := range []struct {
		status      int
		words, want string
	}{
		{413, "413 Request Entity Too Large", "client_max_body_size"},
		{429, "429 Too Many Requests", "it limits how many requests it takes"},
		{429, "local_rate_limited", "it limits how many requests it takes"},
		{502, "502 Bad Gateway", "the server behind this proxy or gateway does not answer: see that it runs"},
		{503, ofEnvoy + "overflow", "circuit_breakers of Envoy's cluster"},
		{503, ofEnvoy + "remote connection failure", "see that it runs"},
		{503, "no healthy upstream", "see that it runs"},
		{503, "No available workers (all circuits open or unhealthy)", "see that it runs"},
		{503, "Loading model", "the server is not ready: wait for it"},
		{503, "503 Service Temporarily Unavailable",
			"the server is not ready, or takes no more requests at a time: wait for it"},
		{504, "upstream request timeout", "proxy_read_timeout of nginx, timeout of Envoy's route"},
		{400, "upstream connect error", ""},
		{500, "error sending request for url (http://127.0.0.1:41727/v1/chat/completions)", "see that it runs"},
		{500, "litellm.InternalServerError: OpenAIException - Connection error.", "see that it runs"},
		{500, "no healthy upstream", ""},
		{500, "Internal Server Error", ""},
		{200, "", ""},
	} {
		if got := Unserved(tt.status, tt.words); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%d %q: got %q, want %q", tt.status, tt.words, got, tt.want)
		}
	}
}
