//go:build !linux

package host

// Scheduler reads what the system tells of its processors; here it tells nothing.
type Scheduler struct{}

// NewScheduler returns a reader.
func NewScheduler() *Scheduler { return &Scheduler{} }

// Read returns what is known so far.
func (*Scheduler) Read() Pressure { return Pressure{} }
