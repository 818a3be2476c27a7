//go:build !linux

package host

// Scheduler knows nothing on this system.
type Scheduler struct{}

// NewScheduler returns a Scheduler.
func NewScheduler() *Scheduler { return &Scheduler{} }

// Read returns no figures.
func (*Scheduler) Read() Pressure { return Pressure{} }
