# Holdfast. `make` lists the commands; ARCHITECTURE.md has the map of the house.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The modules. tools/pinned is not among them: it holds versions, no code.
WORKSPACE := proto internal services gateway cmd/holdfast
# Their tests look at more than go can see, so no result of theirs is reused.
UNCACHED := test tools
# Outside go.work: the CDK, the servers that stand in for AWS, and tusd, which we
# compare with, stay out of the graph of everything else.
ALONE := deploy standin
MODULES := $(WORKSPACE) $(UNCACHED) $(ALONE)

BIN := .build/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
REQUIRE_ALL ?= 0
# What a command runs with in each of some modules, all of them even when one fails.
each = failed=0; for module in $(1); do echo "-- $$module"; (cd $$module && $(2)) || failed=1; done; exit $$failed

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

# --- Use

.PHONY: run
run: need-go ## Start Holdfast with its files in ./data, on http://127.0.0.1:8080 (ARGS=…)
	@go build -o $(BIN)/holdfast ./cmd/holdfast
	@exec $(BIN)/holdfast serve --data-dir data $(ARGS)

.PHONY: build
build: need-go ## Build the binaries into .build/bin
	@mkdir -p $(BIN)
	@CGO_ENABLED=0 go build -o $(BIN)/ ./cmd/holdfast ./services/metadata ./services/storage ./gateway
	@cd standin && GOWORK=off CGO_ENABLED=0 go build -o $(CURDIR)/$(BIN)/ . ./tusd

# --- Prove

.PHONY: test
test: need-go need-cc build ## Run all tests (RUN=regexp; REQUIRE_ALL=1: a skip is a failure)
	@go build -o $(BIN)/suite ./tools/suite
	@HOLDFAST_BIN=$(CURDIR)/$(BIN) suite -workspace "$(WORKSPACE)" -uncached "$(UNCACHED)" -alone "$(ALONE)" -needs deploy=node \
		-first "test/crash test/e2e services/metadata/internal/namespace services/storage/blob/diskblob" \
		-ports "services/metadata/table services/storage/blob" \
		-allowed .ci/allowed-skips.txt -require-all=$(REQUIRE_ALL) -run '$(RUN)' -tally .build/tests

.PHONY: containers
containers: need-go build ## Test the images and docker-compose.yml in containers, killed services included
	@HOLDFAST_BIN=$(CURDIR)/$(BIN) scripts/containers

.PHONY: localstack
localstack: need-go need-cc ## Run the contract suites of the AWS adapters against LocalStack (needs Docker, and its image)
	@scripts/localstack

.PHONY: kills
kills: need-go need-cc ## Kill the programs SOAK_KILLS=… times, 200 unless told, in both modes, and compare
	@cd test && SOAK_KILLS=$${SOAK_KILLS:-200} go test -race -count=1 -timeout 0 -run TestSoakKills ./crash -soak

.PHONY: soak
soak: need-go need-cc ## Long runs: SOAK_KILLS=… kills, a crowd of clients, histories, scale, FUZZ_MINUTES=… for each fuzzer
	@cd test && SOAK_KILLS=$${SOAK_KILLS:-1000} go test -race -count=1 -timeout 0 -run Soak ./... -soak
	@cd services && go test -race -count=1 -timeout 0 -v -run 'TestHistories|TestInterleavings|TestUploadInterleavings' ./metadata/internal/namespace \
		-history-operations 100000 -interleave-every 1
	@cd services && go test -count=1 -timeout 0 -v -run TestScale ./metadata/internal/namespace -scale 1000000
	@cd services && go test -count=1 -timeout 0 -run TestPowerLoss ./storage/blob/diskblob -powerloss.lives 3000
	@cd services && go test -count=1 -timeout 0 -run TestPowerLoss ./metadata/table/pebbletable -powerloss.crashes 1000
	@scripts/fuzz "$${FUZZ_MINUTES:-5}m" $(filter-out deploy,$(MODULES))

.PHONY: clients
clients: need-go build ## Clients of others upload over a network that breaks (needs npm and chromium)
	@cd test/clients && npm ci --no-audit --no-fund --fetch-retries=5
	@cd test && HOLDFAST_BIN=$(CURDIR)/$(BIN) go test -tags clients -count=1 -timeout 30m ./clients

.PHONY: bench
bench: need-go ## Measure this service, and others on this machine, as a table (ARGS=…)
	@cd test && go run ./bench $(ARGS)

.PHONY: mutants
mutants: need-go need-cc ## Take conditions and fsyncs out one by one: a test must notice each (ARGS="-run …")
	@go build -o $(BIN)/mutants ./tools/mutants
	@mutants -root . $(ARGS)

# --- Contracts

.PHONY: generate
generate: need-go $(BIN)/.pinned $(BIN)/.buf .build/protodeps/.printed ## Regenerate what is generated from proto/
	@scripts/generate

.PHONY: generate-check
generate-check: need-go $(BIN)/.pinned $(BIN)/.buf .build/protodeps/.printed
	@scripts/generate-check

.PHONY: breaking
breaking: need-go $(BIN)/.buf .build/protodeps/.printed ## Compare the contracts with those that clients have
	@scripts/breaking

# --- Keep

.PHONY: lint
lint: lint-format lint-go lint-modules lint-proto lint-house lint-shell ## Every check that needs no test run
fix: need-go $(BIN)/.buf .build/protodeps/.printed ## Format, and tidy the modules
	@gofmt -w $(MODULES)
	@buf format -w proto
	@go work sync
	@$(call each,$(MODULES),GOWORK=off go mod tidy)

.PHONY: fix lint-format lint-go lint-modules lint-proto lint-house lint-shell
lint-format: need-go $(BIN)/.buf .build/protodeps/.printed
	@out=$$(gofmt -l $(MODULES)); if [ -n "$$out" ]; then echo "not formatted, see make fix:"; echo "$$out"; exit 1; fi
	@buf format --diff --exit-code proto

lint-go: need-go $(BIN)/.golangci
	@$(call each,$(MODULES),GOWORK=off golangci-lint run ./...)

lint-modules: need-go
	@$(call each,$(MODULES),GOWORK=off go mod tidy -diff)
	@scripts/same-versions $(WORKSPACE) $(UNCACHED)

lint-proto: need-go $(BIN)/.pinned $(BIN)/.buf .build/protodeps/.printed
	@buf lint
	@cd proto && out=$$(api-linter -I . -I ../.build/protodeps --config ../.api-linter.yaml --set-exit-status \
		holdfast/metadata/v1/*.proto holdfast/storage/v1/*.proto) || { echo "$$out"; exit 1; }

lint-house: need-go
	@go run ./tools/house $(MODULES)

lint-shell:
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run scripts/*; \
	elif [ "$(REQUIRE_ALL)" = 1 ]; then echo "shellcheck is not installed: apt-get install shellcheck"; exit 1; \
	else echo "shell scripts not checked: shellcheck is not installed (apt-get install shellcheck)"; fi

.PHONY: vet-alone
vet-alone: need-go ## Build and vet each module by itself, without go.work
	@$(call each,$(MODULES),GOWORK=off go build ./... && GOWORK=off go vet ./...)

.PHONY: vulnerabilities
vulnerabilities: need-go $(BIN)/.pinned ## Look for known vulnerabilities in what is linked
	@scripts/vulnerabilities $(MODULES)

# --- Tools, at the versions in tools/pinned; built again when those or Go change.
# Those modules are not tidy: that would need the tests of every linter's
# dependencies. A build refuses a go.mod that does not say all it uses.

.PHONY: tools
tools: need-go $(BIN)/.pinned $(BIN)/.buf $(BIN)/.golangci ## Build the developers' tools into .build/bin

$(BIN)/.pinned: tools/pinned/go.mod tools/pinned/go.sum .build/go-version
$(BIN)/.buf: tools/pinned/buf/go.mod tools/pinned/buf/go.sum .build/go-version
$(BIN)/.golangci: tools/pinned/golangci/go.mod tools/pinned/golangci/go.sum .build/go-version
$(BIN)/.pinned $(BIN)/.buf $(BIN)/.golangci:
	@mkdir -p $(BIN)
	@echo "building the tools of $(<D)"
	@cd $(<D) && GOWORK=off go build -o $(CURDIR)/$(BIN)/ tool
	@touch $@

.PHONY: FORCE
.build/go-version: FORCE
	@mkdir -p .build
	@go version | cmp -s - $@ || go version >$@

# google/api, which buf lint and generate read, printed from the Go modules that carry it.
.build/protodeps/.printed: tools/protodeps/main.go tools/go.mod
	@rm -rf .build/protodeps
	@go run ./tools/protodeps .build/protodeps
	@touch $@

.PHONY: modules
modules:
	@echo $(MODULES)

.PHONY: need-go need-cc
need-go:
	@out=$$(go list -m 2>&1) || { echo "Holdfast needs Go 1.26 or newer (https://go.dev/dl/): $$out"; exit 1; }
need-cc:
	@command -v "$$(go env CC)" >/dev/null || { echo "the race detector needs a C compiler: apt-get install gcc libc6-dev"; exit 1; }

.PHONY: clean
clean: ## Remove what was built; ./data stays
	@rm -rf .build
