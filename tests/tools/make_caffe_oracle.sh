#!/usr/bin/env bash
# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes .tools/caffe: a Python 3.7-3.9 with Caffe 1.0, with which the converter's tests compare (see
# tests/fixtures/caffe_oracle.py). Does nothing if it is up to date. Never changes the system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

pins=tests/tools/caffe_oracle.txt
target=.tools/caffe
log=.tools/caffe.log

die() {
  printf 'oracle: %s\n' "$1" >&2
  exit 2
}

cmp -s "$pins" "$target/.ready" && exit 0
uv=$(command -v uv || ls .tools/uv-*/bin/uv 2>/dev/null | tail -1 || true)
[ -n "$uv" ] || die 'no uv here; call make env first'
mkdir -p .tools

find_python() { # prints the first Python 3.7-3.9 that starts: on PATH, of pyenv, or downloaded by uv
  local python
  for python in python3.9 python3.8 python3.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.[987].*/bin/python; do
    "$python" -c 'import sys; print(sys.executable)' 2>/dev/null && return
  done
  "$uv" python install --quiet 3.9 >>"$log" 2>&1 && "$uv" python find --managed-python --no-project 3.9 2>>"$log"
}

: >"$log"
python=$(find_python) || die "no Python 3.7-3.9 here, and uv could not download one; install Python 3.9 (log: $log)"
rm -rf "$target"
{
  "$uv" venv --quiet --python "$python" "$target" && # wheels only: Caffe does not build from source
    "$uv" pip install --quiet --python "$target/bin/python" --only-binary :all: --requirement "$pins" &&
    "$target/bin/python" -c 'import caffe'
} >>"$log" 2>&1 || die "Caffe could not be installed (log: $log); it has wheels for Linux on x86-64 and macOS"
cp "$pins" "$target/.ready"
echo "oracle: Caffe 1.0 is in $target" >&2
