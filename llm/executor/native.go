package executor

import (
	"sync"
	"time"

	"go.k6.io/k6/v2/lib"

	"github.com/seed-307b789f/xk6-llm/llm/arrival"
	"github.com/seed-307b789f/xk6-llm/llm/internal/engine"
)

// native makes workers that send the items of a data set without JavaScript. A few VUs lend them what k6 keeps in VUs.
type native struct {
	p       *pool
	lenders []*engine.Lender
	active  sync.WaitGroup // VUs not given back to k6
	beside  sync.WaitGroup // pushIO
	senders []*engine.Sender
	state   *lib.ScenarioState
}

// start takes the VUs that lend.
func (n *native) start() error {
	p := n.p
	n.state = lib.GetScenarioState(p.ctx)
	for range lenders(p.most) {
		vu, err := p.x.state.GetPlannedVU(p.x.log, false)
		if err != nil {
			return err
		}
		n.active.Add(1)
		activate(p, vu, p.ctx, n.active.Done, func() (local, global uint64) { return 0, 0 })
		lender, err := p.x.config.module.Lend(vu.GetID(), p.x.config.Name, *p.x.config.Exec.Native)
		if err != nil {
			return err
		}
		n.lenders = append(n.lenders, lender)
	}
	n.beside.Go(n.pushIO)
	return nil
}

// ioInterval is how often k6's counters data_sent and data_received are brought up to date.
const ioInterval = time.Second

func (n *native) pushIO() {
	tick := time.NewTicker(ioInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, lender := range n.lenders {
				lender.PushIO(n.p.ctx)
			}
		case <-n.p.ctx.Done():
			return
		}
	}
}

// more adds a sender if none waits. Senders count as VUs of k6, those that lend among them: the metric vus is the
// number of requests in flight, and vus_max no less.
func (n *native) more(found bool) {
	if found {
		return
	}
	number := len(n.senders)
	sender := n.lenders[number%len(n.lenders)].NewSender(uint64(number + 1)) // not negative
	n.senders = append(n.senders, sender)
	if len(n.senders) > max(n.p.x.counted, len(n.lenders)) {
		n.p.x.counted = len(n.senders)
		n.p.x.state.ModInitializedVUsCount(+1)
	}
	n.p.add(func(a *arrival.Arrival) error { return sender.Iterate(n.p.ctx, n.state, a) })
}

func (n *native) close() {
	n.p.end()
	n.beside.Wait()
	for _, lender := range n.lenders {
		lender.PushIO(n.p.ctx)
	}
	for _, sender := range n.senders {
		sender.Close()
	}
	n.active.Wait()
}
