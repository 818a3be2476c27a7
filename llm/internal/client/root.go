package client

import "net/url"

// Root returns the root of the API, below which its other paths are. It has no user part.
func (c *Client) Root() *url.URL {
	root := *c.base
	return &root
}

// Listing returns the URL of the list of models, without a user part; nil where no server has one. The path of such a
// server may name its model: deployment is "" if it does not.
func (c *Client) Listing() (models *url.URL, deployment string) {
	if c.models == nil {
		return nil, c.deployment
	}
	models = new(url.URL)
	*models = *c.models
	return models, ""
}
