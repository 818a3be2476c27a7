# make build   bin/k6 (k6 with this extension) and bin/llmconv
# make run     a short benchmark of the built-in simulator, with its report
# make test    everything the tests need, then all tests
# make lint    static checks
# make bench   benchmarks, as ratios to a bare client and to the Python tokenizers
# make fuzz    each fuzz target for FUZZTIME
# make outdated   modules used directly of which there is a newer release

K6_VERSION := v2.2.0
MODULE     := github.com/seed-307b789f/xk6-llm
TOOL       := go tool -modfile=tools.mod
FUZZTIME   ?= 30s

# gonum/plot without the formats of pictures that nobody here writes.
TAGS       := minimal

export CGO_ENABLED = 0

SOURCES := go.mod go.sum $(shell find . -name '*.go' -not -name '*_test.go' -not -path './bin/*')

# The race detector needs a C compiler; without one the tests run all the same.
RACE := $(if $(shell command -v gcc),-race)

.PHONY: build run test lint bench fuzz clean
build: bin/k6 bin/llmconv

bin/k6: $(SOURCES) tools.mod
	@mkdir -p bin
	@echo "building $@ (a minute or two the first time)" >&2
	@# Built beside it and then moved: a run of the old one goes on.
	@new=$@.$$$$; $(TOOL) xk6 build $(K6_VERSION) --with $(MODULE)=. --build-flags=-trimpath --build-flags='-ldflags=-s -w' --build-flags=-tags=$(TAGS) --output $$new && mv -f $$new $@

bin/llmconv: $(SOURCES)
	@new=$@.$$$$; go build -trimpath -ldflags='-s -w' -tags $(TAGS) -o $$new ./cmd/llmconv && mv -f $$new $@

run: build
	@scripts/run.sh

test: build .venv/done .venv/llamacpp/done prometheus chromium debootstrap
	go vet ./...
	LLM_TEST_PYTHON="$$(cat .venv/done)" LLM_TEST_LLAMACPP="$$(cat .venv/llamacpp/done)" $(if $(RACE),CGO_ENABLED=1) go test -count=1 -timeout 25m $(RACE) . ./datasets ./llm/...
	@# Nothing in these runs concurrently but one loop of the comparison, whose many repetitions the detector would slow down tenfold.
	LLM_TEST_PYTHON="$$(cat .venv/done)" go test -count=1 ./convert/... ./cmd/...
	$(if $(RACE),CGO_ENABLED=1) go test -count=1 $(RACE) -run SameInputSameResult ./convert/internal/compare
	@# The Kubernetes examples are a module of their own: nobody who builds with this one needs the operator's types, which take minutes to
	@# compile the first time.
	@if test -n "$$TEST_UNTIL" && test $$(($$(date +%s) + 180)) -gt "$$TEST_UNTIL"; then echo "SKIPPED: the Kubernetes examples, for want of time" >&2; \
		else echo "testing examples/kubernetes" && cd examples/kubernetes && go vet ./... && go test -count=1 ./...; fi
	@$(if $(RACE),,echo "no C compiler found: the tests ran without the race detector" >&2)
	@test -s .venv/done || echo "SKIPPED: the comparison with the Python reference, which could not be installed (rm -r .venv to try again)" >&2
	@test -s .venv/llamacpp/done || echo "SKIPPED: every test against llama.cpp's server, which could not be installed (rm -r .venv to try again)" >&2

# The Python tools that tests compare with. Where they cannot be had the file
# stays empty, and those tests are skipped.
.venv/done: .ci/requirements.txt
	@mkdir -p .venv && : > $@
	@python3 -m venv .venv && .venv/bin/pip install --quiet --disable-pip-version-check -r $< && echo "$(CURDIR)/.venv/bin/python" > $@ || true

# llama.cpp's server, which tests send load to, with two made-up models: one answers at once, one takes milliseconds a
# token. It stands apart from those tools, for it comes for fewer systems. Where it cannot be had, and it is not compiled
# here, the file stays empty, and those tests are skipped.
.venv/llamacpp/done: $(addprefix internal/e2e/testdata/servers/llamacpp/,requirements.txt model.py) scripts/data/sample-tokenizer.json
	@mkdir -p $(@D) && : > $@
	@python3 -m venv $(@D) && $(@D)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r $< && \
		$(@D)/bin/python $(<D)/model.py $(lastword $^) $(@D)/fast && $(@D)/bin/python $(<D)/model.py $(lastword $^) $(@D)/slow 16384 && \
		echo "$(CURDIR)/$(@D)" > $@ || true

# Programs of Debian that some tests need. Where one cannot be had, those tests are skipped. RUNLEVEL=1 keeps a service from starting.
INSTALL = test "$$(id -u)" != 0 || { echo "installing $(1)" >&2; timeout 120 apt-get update -qq >/dev/null 2>&1; \
	RUNLEVEL=1 timeout 240 apt-get install -y -qq --no-install-recommends $(1) >/dev/null 2>&1; } || true

.PHONY: prometheus chromium debootstrap
prometheus: # answers the dashboard's queries
	@command -v prometheus >/dev/null || $(call INSTALL,prometheus)
	@command -v prometheus >/dev/null || echo "SKIPPED: queries of the dashboard, for there is no prometheus (apt-get install prometheus)" >&2

BROWSER = { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
chromium: # draws the charts of report.html
	@$(BROWSER) || $(call INSTALL,chromium)
	@$(BROWSER) || echo "SKIPPED: the charts of report.html in a browser, for there is no chromium (apt-get install chromium)" >&2

debootstrap: # makes the file system that the container image is tried in
	@command -v debootstrap >/dev/null || $(call INSTALL,debootstrap)
	@command -v debootstrap >/dev/null || echo "SKIPPED: the container image, for there is no debootstrap (apt-get install debootstrap)" >&2
	@test "$$(id -u)" = 0 || echo "SKIPPED: the container image, which takes root" >&2

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted by gofmt:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	@# Another processor compiles the same files, and so does another Unix; Windows does not.
	for os in linux/arm64 darwin/arm64 windows/amd64; do GOOS=$${os%/*} GOARCH=$${os#*/} go build -o /dev/null ./cmd/llmconv || exit 1; done
	GOOS=windows GOARCH=amd64 go vet ./llm/output

bench: build .venv/done
	go run ./llm/internal/bench
	LLM_TEST_PYTHON="$$(cat .venv/done)" go test -run '^$$' -bench . ./llm/tokenizer ./convert

fuzz:
	@# Go before 1.27 fails a target now and then as its time runs out, without a failing input (golang/go#75804).
	@# An input is minimized for a few runs alone: a second for each leaves slow targets no time to find others.
	@log=$$(mktemp); for pkg in $$(grep -rl 'func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho 'func Fuzz[A-Za-z0-9]*' $$pkg/*_test.go | cut -d' ' -f2); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x -timeout 0 $$pkg 2>&1 | tee $$log; \
			grep -q '^ok' $$log || { grep -qx ' *context deadline exceeded' $$log && ! grep -q 'Failing input' $$log; } || exit 1; \
		done; \
	done; rm $$log

.PHONY: outdated
outdated:
	@awk '/^require/ { r = 1; next } /^\)/ { r = 0 } r && !/indirect/ { print $$1 }' go.mod | while read m; do \
		go list -m -u -f '{{ with .Update }}{{ $$.Path }} {{ $$.Version }} -> {{ .Version }}{{ end }}' $$m; done | grep . || echo "all up to date"

clean:
	rm -rf bin .venv
