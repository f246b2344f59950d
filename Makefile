# Needs make and Python >= 3.11; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help run test check bench manage audit sbom lock environment environment-dev
MAKEFLAGS += --no-print-directory
# Tests and houses start a hundred processes; each would compile the whole project anew.
unexport PYTHONDONTWRITEBYTECODE

# Asked to run something, because a version manager may offer names of Pythons it does not have.
ifndef PYTHON
PYTHON := $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { command -v "$$name"; break; }; done)
endif
PY := .venv/bin/python
WORKERS ?= 2
PYTEST_ARGS ?=

help:
	@echo "make run      install, start everything, print the addresses (PORT, EVOSENSE_HOME, EVOSENSE_DEMO=0)"
	@echo "make manage   ARGS=\"tenant_create --slug acme …\" in the same environment"
	@echo "make test     every gate and test"
	@echo "make check    format, lint, types, security, import rules, templates, migrations, deploy checks, catalogue"
	@echo "make bench    the benchmark tables"
	@echo "make audit    known vulnerabilities of the locked packages (needs the network)"
	@echo "make sbom     what an installation consists of, as CycloneDX JSON in var/sbom.json"
	@echo "make lock     compile requirements*.in"

environment environment-dev:
	@test -n "$(PYTHON)" || { echo "evosense: no Python 3.11 or newer found; install one or set PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" tools/environment.py $(if $(filter environment-dev,$@),dev,run)

run: environment
	@exec $(PY) -m evosense.local run

# ARGS goes through the environment's shell once, so quotes inside it work as typed.
manage: environment
	@exec $(PY) -m evosense.local manage $(ARGS)

check: environment-dev
	@exec $(PY) tools/gates.py

# The tests run even when a gate fails: one call shows everything that is wrong.
test: environment-dev
	@gates=0; $(PY) tools/gates.py || gates=1; \
	$(PY) tools/suite.py -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS); tests=$$?; \
	test $$gates -eq 0 || echo "evosense: at least one gate failed, see above" >&2; \
	exit $$((gates || tests))

bench: environment-dev
	@exec $(PY) -m evosense.local with -- $(PY) -m benchmarks $(ARGS)

audit: environment-dev
	@exec $(PY) tools/audit.py $(ARGS)

sbom: environment-dev
	@exec $(PY) tools/sbom.py $(ARGS)

lock: environment-dev
	@for name in requirements-bootstrap requirements requirements-dev requirements-tools; do \
		.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --fork-strategy fewest \
		--python-version 3.11 --custom-compile-command "make lock" $$name.in -o $$name.txt || exit 1; done
