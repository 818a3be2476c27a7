package engine

import (
	"context"
	"net/http"
	"testing"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"go.k6.io/k6/v2/js/modulestest"
	"go.k6.io/k6/v2/lib"
	"go.k6.io/k6/v2/metrics"

	"github.com/seed-307b789f/xk6-llm/llm/internal/input"
)

// testVU is a VU of a process, with k6's part of it.
type testVU struct {
	*VU
	k6      *modulestest.Runtime
	samples chan metrics.SampleContainer
	log     *logtest.Hook
	state   *lib.State
}

// newTestVU returns VU number 1 in the init context.
func newTestVU(t *testing.T, p *Process) *testVU {
	t.Helper()
	v := &testVU{k6: modulestest.NewRuntime(t), samples: make(chan metrics.SampleContainer, 1000)}
	v.k6.VU.InitEnvField.LookupEnv = func(string) (string, bool) { return "", false }
	if err := v.k6.VU.Runtime().Set("__VU", 1); err != nil {
		t.Fatal(err)
	}
	var err error
	if v.VU, err = NewVU(p, v.k6.VU); err != nil {
		t.Fatal(err)
	}
	return v
}

// client makes a client with the default options of a server.
func (v *testVU) client(t *testing.T, baseURL string) *Client {
	t.Helper()
	opts := DefaultOptions()
	opts.BaseURL = baseURL
	if err := opts.Settle(); err != nil {
		t.Fatal(err)
	}
	c, err := v.NewClient(&opts, func() *input.Source { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start moves to the VU context.
func (v *testVU) start(t *testing.T) {
	t.Helper()
	log, hook := logtest.NewNullLogger()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	registry := v.k6.VU.InitEnvField.Registry
	v.log, v.state = hook, &lib.State{
		Samples: v.samples, Transport: transport, Logger: log, BuiltinMetrics: v.k6.BuiltinMetrics,
		Tags: lib.NewVUStateTags(registry.RootTagSet().With("scenario", "load")),
	}
	v.state.Options.SystemTags = &metrics.DefaultSystemTagSet
	v.k6.MoveToVUContext(v.state)
	v.k6.VU.CtxField = context.WithoutCancel(v.k6.VU.CtxField)
}
