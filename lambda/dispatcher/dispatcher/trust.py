"""Whom the dispatcher trusts as the fleet's load balancer."""

from __future__ import annotations

import ssl
from collections.abc import Callable


class CertificateTrust:
    """TLS settings that trust one certificate and nothing else.

    Args:
        read: reads the certificate, in PEM, from where the fleet's role put it.
    """

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._context: ssl.SSLContext | None = None

    def context(self, *, fresh: bool = False) -> ssl.SSLContext:
        """Return the TLS settings, read once, and again when `fresh` says that the certificate may have been renewed.

        The two flags are Python 3.13's defaults, set here so that every version checks alike.
        """
        if self._context is None or fresh:
            context = ssl.create_default_context(cadata=self._read())
            context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
            self._context = context
        return self._context
