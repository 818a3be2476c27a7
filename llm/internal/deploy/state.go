package deploy

import "time"

// State is what a later process needs to find, wait for and stop a deployment.
type State struct {
	Deployment string    `json:"deployment"`
	Kind       Kind      `json:"kind"`
	URL        string    `json:"url"`
	Mark       string    `json:"mark"` // in the environment of its processes, or on its namespace
	Start      time.Time `json:"start"`
}
