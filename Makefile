# make build   bin/k6 (k6 with this extension) and bin/llmconv
# make run     a short benchmark of the built-in simulator, with its report
# make test    the tests that this machine has the programs for
# make test-cluster   the manifests of examples/kubernetes in a Kubernetes cluster of the tests' own; as root
# make deps    the programs that the other tests need
# make test-servers   tests against servers that are installed for it, vLLM among them (minutes, gigabytes)
# make lint    static checks
# make bench   benchmarks, as ratios to a bare client and to the Python tokenizers
# make fuzz    each fuzz target for FUZZTIME
# make release the archives of a release in dist, with checksums: what .github/workflows/release.yml makes of a tag
# make outdated   modules used directly of which there is a newer release

K6_VERSION := v2.2.0
MODULE     := github.com/seed-307b789f/xk6-llm
TOOL       := go tool -modfile=tools.mod
FUZZTIME   ?= 30s

# Leaves out the picture formats of gonum/plot that the project does not write.
TAGS       := minimal

# A tag, or the tag before the commit; v0.0.0 before the first one. Without git the programs say (devel).
VERSION    ?= $(or $(shell git describe --tags --match 'v*' --dirty 2>/dev/null),$(shell git describe --always --exclude '*' --dirty 2>/dev/null | sed 's/^/v0.0.0-g/'))
LDFLAGS     = -s -w -X $(MODULE)/internal/version.stamped=$(VERSION)

# The systems of a release, each as GOOS-GOARCH.
PLATFORMS  ?= linux-amd64 linux-arm64 darwin-arm64 windows-amd64

export CGO_ENABLED = 0

SOURCES := go.mod go.sum $(shell find . -name '*.go' -not -name '*_test.go' -not -path './bin/*' -not -path './internal/cluster/*')

# The race detector needs a C compiler; without one the tests run all the same.
RACE := $(if $(shell command -v gcc),CGO_ENABLED=1 -race)

# $(call build-k6,FILE,FLAGS) builds k6 under another name and then moves it, so that a running k6 goes on.
build-k6 = $(TOOL) xk6 build $(K6_VERSION) $(2) --with $(MODULE)=. --build-flags=-trimpath --build-flags='-ldflags=$(LDFLAGS)' --build-flags=-tags=$(TAGS) --output $(1).$$$$ && mv -f $(1).$$$$ $(1)
build-llmconv = go build -trimpath -ldflags='$(LDFLAGS)' -tags $(TAGS) -o $(1).$$$$ ./cmd/llmconv && mv -f $(1).$$$$ $(1)

.PHONY: build run deps test test-servers test-cluster lint bench fuzz release outdated clean
build: bin/k6 bin/llmconv

bin/k6: $(SOURCES) tools.mod
	@mkdir -p bin
	@echo "building $@ (a minute or two the first time)" >&2
	@$(call build-k6,$@)

bin/llmconv: $(SOURCES)
	@$(call build-llmconv,$@)

run: build
	@scripts/run.sh

# Brings the programs that some tests need, into .deps and from Debian. Takes seconds where all is there.
deps:
	@.ci/deps

# In these packages little runs concurrently, or only the built programs do. The race detector makes computing five to fifteen
# times slower, so it runs for the others, and for the tests of these whose names match SHARED: their goroutines share something.
CALM   := ./internal/docs ./internal/media ./datasets ./llm/config/... ./llm/internal/dropin ./llm/internal/input ./llm/internal/jinja \
	./llm/internal/search ./llm/tokenizer/... ./convert/... ./cmd/... ./internal/gate ./internal/quantile
SHARED := Session|Concurrent|SameInputSameResult
# A test of the rest that computes for minutes under the race detector, and is short there.
LONG   := -run '^TestOverheadOfNothing$$' ./llm/internal/client
SHARES := ./datasets ./llm/internal/input ./llm/internal/search ./llm/tokenizer ./convert/internal/compare
# The rest. The tests that wait most of their time come first, so that others compute beside them.
RACING  = $(filter-out $(shell go list $(CALM)),$(shell go list ./internal/e2e ./llm/... ./internal/...))

# Runs each test that the machine has the programs for, and ends with a list of what was skipped and what brings it. GORACE keeps
# each test binary from waiting a second at its end for races of goroutines that no test awaits.
test: build
	@export GORACE=atexit_sleep_ms=10; go run ./internal/testlist $(RACE) -count=1 -timeout 25m $(RACING) -- -count=1 -timeout 25m $(CALM) \
		$(if $(RACE),-- -count=1 $(LONG) -- $(RACE) -count=1 -run '$(SHARED)' $(SHARES)); \
	code=$$?; $(if $(RACE),,echo "The race detector did not run: it needs gcc: make deps";) exit $$code

# Installs servers that take minutes or gigabytes, sends them load, and prints how long each test took and what it measured.
test-servers: build
	@.ci/servers
	@LLM_TEST_SERVERS=yes go run ./internal/testlist -tags $(TAGS) -v -count=1 -timeout 120m -run '^TestReal' ./internal/e2e

# Starts the API server, the controllers, the scheduler and the k6 Operator, and runs pods as processes. CLUSTER_RUN chooses tests.
# The first time their programs are built, which takes some fifteen minutes of a processor.
CLUSTER_RUN ?= .
test-cluster: build
	@.ci/cluster
	@began=$$(date +%s); cd internal/cluster && go test -trimpath -count=1 -v -timeout 40m -run '$(CLUSTER_RUN)' .; \
	code=$$?; echo "test-cluster took $$(($$(date +%s) - began)) s"; exit $$code

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted by gofmt:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go test -count=1 ./internal/style
	go vet ./...
	$(TOOL) staticcheck ./...
	@# Other processors and other Unixes compile the same files, so that one of each suffices; Windows compiles others.
	for os in linux/arm64 darwin/arm64 windows/amd64; do GOOS=$${os%/*} GOARCH=$${os#*/} go build -o /dev/null ./cmd/llmconv || exit 1; done
	GOOS=windows GOARCH=amd64 go vet ./llm/output

bench: build
	go run ./llm/internal/bench
	LLM_TEST_PYTHON="$(wildcard $(CURDIR)/.deps/python/bin/python)" go test -run '^$$' -bench . ./llm/tokenizer ./convert

fuzz:
	@# Go before 1.27 sometimes fails a target when its time runs out, without a failing input (golang/go#75804).
	@# An input is minimized in 20 runs: the default of a minute for each leaves slow targets no time to find others.
	@log=$$(mktemp); for pkg in $$(grep -rl 'func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho 'func Fuzz[A-Za-z0-9]*' $$pkg/*_test.go | cut -d' ' -f2); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x -timeout 0 $$pkg 2>&1 | tee $$log; \
			grep -q '^ok' $$log || { grep -qx ' *context deadline exceeded' $$log && ! grep -q 'Failing input' $$log; } || exit 1; \
		done; \
	done; rm $$log

# An archive for each system, with the programs, the scripts, and the licences of this project and of k6.
release:
	@rm -rf dist
	@for platform in $(PLATFORMS); do $(MAKE) --no-print-directory dist/xk6-llm-$$platform.tar.gz || exit 1; done
	@cd dist && $(if $(shell command -v sha256sum),sha256sum,shasum -a 256) *.tar.gz | tee checksums.txt

dist/xk6-llm-%.tar.gz: os = $(word 1,$(subst -, ,$*))
dist/xk6-llm-%.tar.gz: arch = $(word 2,$(subst -, ,$*))
dist/xk6-llm-%.tar.gz:
	@mkdir -p dist/xk6-llm-$*
	@echo "building $@ of $(VERSION)" >&2
	@$(call build-k6,dist/xk6-llm-$*/k6$(if $(filter windows,$(os)),.exe),--os=$(os) --arch=$(arch))
	@GOOS=$(os) GOARCH=$(arch) $(call build-llmconv,dist/xk6-llm-$*/llmconv$(if $(filter windows,$(os)),.exe))
	@cp -R scripts jsconfig.json README.md CHANGELOG.md LICENSE dist/xk6-llm-$*
	@mkdir dist/xk6-llm-$*/docs && cp docs/index.d.ts dist/xk6-llm-$*/docs
	@cp "$$(go list -m -f '{{.Dir}}' go.k6.io/k6/v2)/LICENSE.md" dist/xk6-llm-$*/LICENSE-k6.md
	@tar -czf $@ -C dist xk6-llm-$*

outdated:
	@awk '/^require/ { r = 1; next } /^\)/ { r = 0 } r && !/indirect/ { print $$1 }' go.mod | while read m; do \
		go list -m -u -f '{{ with .Update }}{{ $$.Path }} {{ $$.Version }} -> {{ .Version }}{{ end }}' $$m; done | grep . || echo "all up to date"

clean:
	rm -rf bin dist .deps
