#!/bin/sh
# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
#
# install.sh SOURCE TARGET [REQUIREMENT...]: builds this project's wheel from SOURCE and installs it in a virtual
# environment at TARGET, with the extras faces, kubeflow and pipeline at the versions in constraints.txt. Needs Python
# 3.11, glibc 2.39 and, for pyfarmhash, a C++ compiler. deploy/Dockerfile calls it too. Older hosts: deploy/bootstrap.sh.
set -eu
source=$(cd "$1" && pwd)
target=$2
shift 2

python=$(command -v python3.11 || command -v python3) || { echo 'install: no Python here; install Python 3.11' >&2; exit 2; }
"$python" "$source/pipeline/host.py"
"$python" -m venv "$target"
pip="$target/bin/python -m pip --no-cache-dir --disable-pip-version-check"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --constraint does not apply to what wheels are built with. Older releases of pip read the first of these for that,
# later ones the second.
export PIP_CONSTRAINT="$source/constraints.txt" PIP_BUILD_CONSTRAINT="$source/constraints.txt"

$pip wheel --quiet --no-deps --wheel-dir "$work" "$source"
wheel=$(ls "$work"/*.whl)
echo "install: installing the pinned packages into $target (a few minutes)" >&2
$pip install --quiet "$wheel[faces,kubeflow,pipeline]" "$@"

# A read-only file system cannot keep bytecode; without it, each of a dozen containers would compile TensorFlow again.
"$target/bin/python" -m compileall -q -j 0 "$target/lib" >/dev/null || true
# The image needs no pip.
$pip uninstall --quiet --yes pip
"$target/bin/python" -c 'import pipeline, components.caffe_converter; from importlib import metadata; print(metadata.version("face-gender-pipeline"))'
