package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-307b789f/xk6-llm/llm/api"
)

// discoverTimeout bounds the look at the server before the first request.
const discoverTimeout = 30 * time.Second

// Discover asks GET /v1/models before the first request, and gives the model to use: the client's, or the first of the
// server's if it has none. The error says what to mend: the server cannot be reached, it refuses the key, or it does not
// serve the model. A server without that endpoint is accepted if the model is named; remark then says so.
func (c *Client) Discover(ctx context.Context, rt http.RoundTripper) (model, remark string, err error) {
	status, body, err := c.getModels(ctx, rt)
	if err != nil {
		return "", "", err
	}
	where := c.base.JoinPath("models").Redacted()
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "", "", fmt.Errorf("%s refused the API key with status %d (%s): set apiKey (API_KEY in our scripts)", where, status, clip(api.ErrorMessage(body)))
	case status < 200 || status > 299:
		return c.withoutModels(fmt.Sprintf("%s answered with status %d (%s)", where, status, clip(api.ErrorMessage(body))))
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Data) == 0 {
		return c.withoutModels(fmt.Sprintf("%s lists no models", where))
	}
	names := make([]string, len(list.Data))
	for i, m := range list.Data {
		names[i] = m.ID
	}
	wanted := c.opts.Adapters
	if c.opts.Model != "" {
		wanted = append([]string{c.opts.Model}, wanted...)
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return "", "", fmt.Errorf("model %q is not served by %s, which serves: %s", name, c.base.Redacted(), strings.Join(names[:min(len(names), 20)], ", "))
		}
	}
	if c.opts.Model != "" {
		return c.opts.Model, "", nil
	}
	return names[0], "", nil
}

// withoutModels goes on without a list, if the model is named.
func (c *Client) withoutModels(why string) (model, remark string, err error) {
	if c.opts.Model == "" {
		return "", "", fmt.Errorf("%s: name the model (option model, MODEL in our scripts)", why)
	}
	return c.opts.Model, fmt.Sprintf("%s, so nobody checked that it serves model %q", why, c.opts.Model), nil
}

func (c *Client) getModels(ctx context.Context, rt http.RoundTripper) (status int, body []byte, err error) {
	limit := discoverTimeout
	if c.opts.Timeout > 0 {
		limit = min(limit, c.opts.Timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("models").String(), nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header = c.header.Clone()
	req.Header.Del("Content-Type")
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot reach %s: %w: check baseURL (BASE_URL in our scripts) and that the server runs", c.base.Redacted(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return 0, nil, fmt.Errorf("reading %s: %w", c.base.JoinPath("models").Redacted(), err)
	}
	return resp.StatusCode, body, nil
}
