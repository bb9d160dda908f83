# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Credentials of clients: authorities to trust, and for gRPC also a bearer token."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.errors import InputError


def authorities(ca_file: str | Path) -> bytes:
    """Reads --ca-file, the certificates of authorities in PEM format.

    Raises:
      InputError: the file cannot be read, or contains no certificate.
    """
    content = _content('--ca-file', ca_file)
    if b'-----BEGIN CERTIFICATE-----' not in content:
        raise InputError(f'--ca-file {ca_file}: expected certificates in PEM format')
    return content


def channel_credentials(ca_file: str | None = None, token_file: str | None = None) -> Any:
    """TLS credentials of a channel, `grpc.ChannelCredentials`.

    Args:
      ca_file: PEM certificates of the authorities to trust; None: gRPC's own list of public ones.
      token_file: a file with a bearer token; read for each request, because Kubernetes replaces mounted tokens.

    Raises:
      InputError: a file cannot be read, or its content is not what it should be.
    """
    import grpc

    channel = grpc.ssl_channel_credentials(None if ca_file is None else authorities(ca_file))
    if token_file is None:
        return channel
    file = token_file
    _token(file)

    def authorize(context: Any, callback: Callable[..., None]) -> None:
        try:
            callback((('authorization', f'Bearer {_token(file)}'),), None)
        except InputError as error:
            callback((), error)

    return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(authorize))


def _token(file: str) -> str:
    token = _content('--token-file', file).strip()
    # The characters of RFC 6750, 2.1; others could end the header.
    if not re.fullmatch(rb'[A-Za-z0-9._~+/-]+=*', token):
        raise InputError(f'--token-file {file}: expected one bearer token')
    return token.decode()


def _content(flag: str, file: str | Path) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(f'{flag} {file}: cannot be read ({error.strerror})') from None
