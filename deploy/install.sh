#!/bin/sh
# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
#
# install.sh SOURCE TARGET [REQUIREMENT...]: builds this project's wheel from SOURCE and installs it in a virtual
# environment at TARGET, with the extras pipeline and kubeflow at the versions and hashes in constraints.txt. Needs
# Python 3.11, glibc 2.39 and, for pyfarmhash, a C++ compiler. deploy/Dockerfile calls it too. Older hosts: deploy/bootstrap.sh.
set -eu
source=$(cd "$1" && pwd)
target=$2
shift 2

python=$(command -v python3.11 || command -v python3) || { echo 'install: no Python here; install Python 3.11' >&2; exit 2; }
"$python" "$source/pipeline/host.py"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pins=$source/constraints.txt

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  # The pin's lines: all but the last end with a backslash.
  sed -n '/^uv==/,/[^\\]$/p' "$pins" >"$work/uv.txt"
  "$python" -m pip --no-cache-dir --disable-pip-version-check install --quiet --root-user-action=ignore --require-hashes \
    --target "$work/uv" --requirement "$work/uv.txt"
  uv=$work/uv/bin/uv
fi
export UV_NO_CACHE=1 UV_NO_PROGRESS=1

"$python" -m venv --without-pip "$target"
echo "install: installing the pinned packages into $target (a few minutes)" >&2
# uv checks the hashes of pinned requirements only, so the ranges of pyproject.toml are resolved to pins first.
printf '%s\n' "$@" | "$uv" pip compile --quiet --python "$target/bin/python" --extra kubeflow --extra pipeline \
  --constraints "$pins" --no-header --no-annotate --output-file "$work/requirements.txt" "$source/pyproject.toml" -
"$uv" pip install --quiet --python "$target/bin/python" --require-hashes --requirement "$work/requirements.txt" \
  --constraints "$pins" --build-constraints "$pins"
"$uv" build --quiet --python "$target/bin/python" --wheel --require-hashes --build-constraints "$pins" \
  --out-dir "$work/wheel" "$source"
"$uv" pip install --quiet --python "$target/bin/python" --no-deps "$work"/wheel/*.whl

# A read-only file system cannot keep bytecode; without it, each of a dozen containers would compile TensorFlow again.
"$target/bin/python" -m compileall -q -j 0 "$target/lib" >/dev/null || true
"$target/bin/python" -c 'import pipeline, components.caffe_converter; from importlib import metadata; print(metadata.version("face-gender-pipeline"))'
