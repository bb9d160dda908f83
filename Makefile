# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0

PYTHON := .venv/bin/python
DEMO := demo
IMAGE := face-gender-pipeline:latest

.DEFAULT_GOAL := help
.PHONY: help env demo test lint bench image clean

help: ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile

env: ## make .venv with every pinned dependency (the others call it)
	@deploy/bootstrap.sh

demo: env ## draw faces, make random weights, run the whole pipeline on them
	@$(PYTHON) -m pipeline demo-data $(DEMO)/input
	@$(PYTHON) -m pipeline run --config demo --data $(DEMO)/input/faces --output $(DEMO)/run \
	  --prototxt $(DEMO)/input/vgg_face_small.prototxt --caffemodel $(DEMO)/input/vgg_face_small.caffemodel
	@echo
	@echo 'These faces are drawn by code and these weights are random: the numbers say that the pipeline works, no more.'
	@echo 'Open $(DEMO)/run/report/index.html in a browser. On real data:'
	@echo '  $(PYTHON) -m pipeline run --data agegender_cleaned --output out \'
	@echo '    --prototxt components/caffe_converter/prototxts/VGG_FACE_deploy_full.prototxt --caffemodel VGG_FACE.caffemodel'

lint: env ## ruff and mypy
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

test: lint ## lint, then all tests
	@$(PYTHON) -m pytest -n 2 --dist loadfile

bench: env ## measure the pipeline on this machine in 20 minutes; QUICK=1: in 4, with narrow networks
	@$(PYTHON) -m pipeline.bench $(if $(QUICK),--quick)

image: ## build the container image of every component (needs Docker or Podman; IMAGE=name:tag)
	@engine=$$(command -v docker || command -v podman) || { echo 'make image: install Docker or Podman first' >&2; exit 2; }; \
	  "$$engine" build --file deploy/Dockerfile --tag $(IMAGE) .

clean: ## remove what the other targets made, but not .venv
	rm -rf $(DEMO) bench build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
