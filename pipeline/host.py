# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFX needs of the machine, and which extra brings a package. As a program, prints what is missing; status 2.

deploy/install.sh runs this file with any Python before it installs something.
"""

from __future__ import annotations

import os
import platform
import sys

_GLIBC = (2, 39)  # of the wheels of ml-metadata 1.21 and tensorflow-data-validation 1.21
_EXTRAS = {'kfp': 'kubeflow'}


def problem() -> str | None:
    """Why the extra `pipeline` cannot be installed with this interpreter, and what to do; None if it can."""
    system = f'{sys.platform}-{platform.machine()}'
    if system not in ('linux-x86_64', 'darwin-arm64'):
        return f'TFX has no wheels for {system}; use Linux on x86-64 or macOS 11+ on Apple silicon'
    if sys.version_info[:2] != (3, 11):
        return f'TFX needs Python 3.11, and this is {platform.python_version()}'
    if sys.platform != 'linux':
        return None
    try:
        glibc = (os.confstr('CS_GNU_LIBC_VERSION') or '').partition(' ')[2]
    except ValueError:
        glibc = ''
    if not glibc:
        return 'TFX has no wheels for a Linux without glibc (Alpine?); use another, or the container image'
    if tuple(int(part) for part in glibc.split('.')[:2]) >= _GLIBC:
        return None
    return (
        f'TFX needs glibc {_GLIBC[0]}.{_GLIBC[1]}, and this host has {glibc}; on Debian 12 and Ubuntu 22.04, make env '
        '(deploy/bootstrap.sh) in the source tree unpacks a private one into .venv'
    )


def explain(error: ImportError) -> str | None:
    """What to install after an import failed; None if the error is not about another project's package."""
    package = (error.name or '').partition('.')[0]
    if 'GLIBC' in str(error):
        return problem()
    if not isinstance(error, ModuleNotFoundError) or package in ('', 'components', 'pipeline', 'schemas'):
        return None
    reason = problem()
    return (
        f'{error.name} is not installed; install face-gender-pipeline[{_EXTRAS.get(package, "pipeline")}]'
        f'{f" ({reason})" if reason else ""}, or [client] for predict --server alone'
    )


if __name__ == '__main__':
    found = problem()
    if found:
        sys.stderr.write(f'install: {found}\n')
        sys.exit(2)
