"""Whom the dispatcher trusts as the fleet's load balancer."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class ParameterTrust:
    """TLS settings that trust one certificate, kept in SSM.

    Args:
        client: an SSM client.
        name: the parameter's, which holds a PEM certificate.
    """

    def __init__(self, client: SSMClient, name: str) -> None:
        self._client = client
        self._name = name
        self._context: ssl.SSLContext | None = None

    def context(self, *, fresh: bool = False) -> ssl.SSLContext:
        """Return the TLS settings, read once, and again when `fresh` says that the certificate was renewed."""
        if self._context is None or fresh:
            pem = self._client.get_parameter(Name=self._name)["Parameter"]["Value"]
            self._context = trusting(pem)
        return self._context


def trusting(pem: str) -> ssl.SSLContext:
    """Return TLS settings that trust the certificates of `pem` and no others.

    The two flags are Python 3.13's defaults, set here so that every version checks alike.
    """
    context = ssl.create_default_context(cadata=pem)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
