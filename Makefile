# Polku's commands. Two set everything up on a machine with Python 3.11+ and make: `make nightly`, `make test`.
# The environment is .venv/ in this checkout; it is made once and again only when requirements.lock changes. The
# application packages beside polku/ (assets, expectations, orchestration) are importable in it, but not installed.

STUDY   ?= espoo_skills_centre
PERSONS ?= 6000
SCALE   ?= /var/tmp/polku-scale
PYTHON  ?= python3
BIN     := .venv/bin
DATA    := $(or $(POLKU_DATA),data)

LOCK    := --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --no-strip-extras --quiet

export DO_NOT_TRACK := 1
export POLKU_STUDY := $(STUDY)
export DAGSTER_HOME := $(abspath $(DATA))/dagster

.PHONY: help nightly test ui docs check types style format bench bench-scale wheel lock browser java postgres

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'polku_checkout.pth').write_text('$(CURDIR)\n')"
	touch $@

$(DAGSTER_HOME)/dagster.yaml: dagster.yaml
	mkdir -p $(@D) && cp dagster.yaml $@

nightly: .venv/ready $(DAGSTER_HOME)/dagster.yaml ## main job: extracts, sealing, relay, and the nightly run (STUDY=name PERSONS=n)
	$(BIN)/polku demo --study $(STUDY) --persons $(PERSONS)
	$(BIN)/python -m orchestration.nightly

test: .venv/ready browser postgres java ## all tests, among them whole nights, a real browser and a Spark cluster
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
	  || { apt-get -qq update && apt-get -qq install --yes chromium chromium-driver; } \
	  || echo "no chromium and no way to install it: the browser test will be skipped" >&2

java:
	@command -v java >/dev/null \
	  || { apt-get -qq update && apt-get -qq install --yes openjdk-17-jre-headless; } \
	  || echo "no Java and no way to install it: the tests on Spark will be skipped" >&2

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	  || { apt-get -qq update && apt-get -qq install --yes postgresql; } \
	  || echo "no PostgreSQL and no way to install it: tests of a site will be skipped" >&2

ui: .venv/ready $(DAGSTER_HOME)/dagster.yaml ## Dagster's user interface with schedule and sensor, on 127.0.0.1:3000 only
	$(BIN)/dagster dev --host 127.0.0.1 --port 3000 --workspace workspace.yaml

docs: .venv/ready ## dbt's documentation of sources and models as one HTML file
	$(BIN)/dbt docs generate --static --project-dir dbt_project --profiles-dir dbt_project
	@echo "open dbt_project/target/static_index.html"

check: .venv/ready ## lint, types, SQL style, contracts, Dagster definitions
	$(MAKE) --no-print-directory --jobs 2 types style

types:
	$(BIN)/mypy

style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models
	$(BIN)/polku contracts
	$(BIN)/dg check defs

format: .venv/ready ## format Python and SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar dbt_project/models

bench: .venv/ready ## measure the nightly run and sealing; figures belong into benchmarks/README.md
	$(BIN)/python benchmarks/run.py

bench-scale: .venv/ready ## measure every stage for 6,000, 60,000 and 200,000 persons (SCALE=folder for some 30 GB)
	$(BIN)/python benchmarks/scale.py --folder $(SCALE)

wheel: .venv/ready ## build dist/polku-*.whl, what an authority installs with authority.lock; compare its SHA-256
	rm -rf build
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	sha256sum dist/polku-*.whl authority.lock

lock: ## compile requirements.lock and authority.lock anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra platform --extra site --extra spark --extra ceremony --extra dev $(LOCK) --output-file requirements.lock
	uv pip compile pyproject.toml --constraint requirements.lock $(LOCK) --output-file authority.lock
