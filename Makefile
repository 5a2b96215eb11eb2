# Targets for people. `make run` and `make test` are all that a newcomer needs.

GO ?= go
TOOLS := $(CURDIR)/.tools
LINT_VERSION := v2.11.0
FUZZTIME ?= 20s
TESTFLAGS ?=

# Packages with goroutines: tested with the race detector on. The others are tested without, which is quicker.
RACE := ./commands/... ./eventstore/... ./projections/... ./queries/... ./internal/audit/... ./internal/cluster/... ./internal/lag/... ./internal/progress/... ./internal/run/... ./internal/runs/... ./internal/stream/... ./internal/watermark/... ./internal/httpx/...
PLAIN = $(filter-out $(shell $(GO) list $(RACE)),$(shell $(GO) list ./...))

# -race also checks the pointers of SQLite, which is C turned into Go: a third of the time, for code that is not ours.
RACEFLAGS := -race -gcflags='modernc.org/...=-d=checkptr=0'

.PHONY: help run build test test-cluster lint tidy-check fmt bench fuzz soak secrets clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: ## run Daybook, everything embedded, on http://127.0.0.1:8080 with its data in ./data
	$(GO) run ./cmd/daybook serve --dev

build: ## build bin/daybook
	$(GO) build -trimpath -o bin/daybook ./cmd/daybook

test: ## run all tests
	$(GO) vet ./...
	$(GO) test $(TESTFLAGS) $(RACEFLAGS) $(RACE)
	$(GO) test $(TESTFLAGS) $(PLAIN)

test-cluster: $(TOOLS)/nats-server ## run the end-to-end tests on PostgreSQL and on EventStoreDB's protocol, beside three NATS servers
	.ci/need postgresql
	DAYBOOK_TEST_DEPLOYMENTS=postgres,eventstoredb DAYBOOK_TEST_NATS_SERVER=$(TOOLS)/nats-server \
		$(GO) test $(TESTFLAGS) -run '^TestDeployed' ./cmd/daybook

lint: $(TOOLS)/golangci-lint ## run the linters
	$(TOOLS)/golangci-lint run ./...

fmt: $(TOOLS)/golangci-lint ## format the code
	$(TOOLS)/golangci-lint fmt ./...

tidy-check: ## fail where go.mod or go.sum is not tidy
	$(GO) mod tidy -diff

bench: ## run the Go benchmarks, and the program's own (daybook bench all)
	$(GO) test -run '^$$' -bench . -benchmem ./domain/... ./eventstore/... ./commands/... ./projections/... ./queries/... ./internal/...
	$(GO) build -trimpath -buildvcs=auto -o bin/daybook ./cmd/daybook
	bin/daybook bench all

fuzz: ## run each fuzz target for FUZZTIME
	@set -e; $(GO) list ./... | while read -r pkg; do \
		$(GO) test -list '^Fuzz' "$$pkg" | { grep '^Fuzz' || true; } | while read -r target; do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$pkg"; \
		done; \
	done

soak: ## run the random trials for long; each prints its seed
	DAYBOOK_TEST_SOAK=1 $(GO) test -count=1 -timeout 2h -run 'Linearizable|Crash|Kill|Random|Property|Chaos|Agree|EqualTheModel|DoNotApplyTwice|Rebuild' -v $(RACE) ./cmd/... ./domain/...

secrets: ## make the passwords that docker-compose.yml needs, in .secrets
	docs/deploy/secrets.sh

clean: ## remove what was built (never ./data)
	rm -rf bin $(TOOLS)

$(TOOLS)/nats-server: go.mod # of the version that is inside Daybook
	$(GO) build -o $@ github.com/nats-io/nats-server/v2

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
