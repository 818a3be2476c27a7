package api

import (
	"net/http"
	"regexp"
)

// What proxies say about the server behind them, as Envoy and what is made of it do under status 503.
var (
	overflowed = regexp.MustCompile(`(?i)reset reason: overflow|upstream_rq_pending_overflow|circuit.?break`)
	behind     = regexp.MustCompile(`(?i)no healthy upstream|upstream connect error|no (available|healthy) ` +
		`(server|worker|endpoint|upstream|backend|instance)s?|connection failure`)
	// words of the HTTP clients of gateways, under status 500: reqwest, aiohttp, httpx and that of OpenAI
	unreached = regexp.MustCompile(`(?i)error sending request for url|cannot connect to host|` +
		`all connection attempts failed|\bconnection error\b`)
	loading = regexp.MustCompile(`(?i)loading|starting|not ready|warming`)
)

// Unserved returns what to do about a status by which a server, or a proxy before it, turns away a request that it
// could otherwise serve. words is what the answer says. It returns "" for a status that depends on the request alone.
func Unserved(status int, words string) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusTooManyRequests:
		return "it limits how many requests it takes: send fewer, wait, or raise the limit"
	case http.StatusBadGateway:
		return noServer
	case http.StatusInternalServerError:
		if unreached.MatchString(words) {
			return noServer
		}
		return ""
	case http.StatusGatewayTimeout:
		return "the server behind this proxy or gateway does not answer in the proxy's time limit: see that it runs, " +
			"or raise the limit (proxy_read_timeout of nginx, timeout of Envoy's route)"
	case http.StatusServiceUnavailable:
	default:
		return ""
	}
	switch {
	case overflowed.MatchString(words):
		return "the proxy lets no more requests through at a time: raise its limit (circuit_breakers of Envoy's " +
			"cluster)"
	case behind.MatchString(words):
		return noServer
	}
	if loading.MatchString(words) {
		return "the server is not ready: wait for it"
	}
	return "the server is not ready, or takes no more requests at a time: wait for it"
}

// TooLarge is what to do about a body that is refused for its size.
const TooLarge = "the server, or a proxy before it, takes no body of that size: raise its limit " +
	"(client_max_body_size of nginx), or send less"

const noServer = "the server behind this proxy or gateway does not answer: see that it runs"
