"""The fleet over HTTP: posts a job and follows its stream to the end."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Final

from dispatcher.connection import Connections, Exchange, Trust
from dispatcher.ports import Answer, AskedAgain, Busy, Finished, NotAJob, Unclear
from estancia_functions.log import logger
from estancia_protocol import job as wire
from estancia_protocol.job import Job
from estancia_protocol.status import Status
from estancia_protocol.timing import HEADER_PATIENCE, LEASE_RENEWAL

SILENCE: Final = 2 * LEASE_RENEWAL + 10.0
"""A stream silent for so many seconds has lost its worker; less than a minute, and less than the lease still lasts."""
_LINE_LENGTH: Final = 1 << 20


class HttpProcessor:
    """The fleet's edge.

    Args:
        url: the load balancer's.
        trust: of its certificate; None with plain HTTP.
        patience: how long a response's head may take, in seconds.
        silence: how long a stream may send no line, in seconds.
    """

    def __init__(
        self, url: str, trust: Trust | None, *, patience: float = HEADER_PATIENCE, silence: float = SILENCE
    ) -> None:
        self._connections = Connections(url, trust, patience)
        self._silence = silence

    def post(self, job: Job, seconds: float) -> Answer:
        """Post a job and follow its stream.

        Args:
            job: the attempt.
            seconds: how long there is time to follow it.

        Returns:
            What became of it, as far as this side can tell.

        Raises:
            ssl.SSLCertVerificationError: the load balancer's certificate is not the one in SSM, read again just now.
        """
        end = time.monotonic() + seconds
        headers = {"Content-Type": "application/json", "Accept": f"{wire.STREAM_TYPE}, {wire.PROBLEM_TYPE}"}
        try:
            exchange = self._connections.post(wire.PROCESS_PATH, job.to_json(), headers)
        except ssl.SSLCertVerificationError:
            raise
        except (OSError, http.client.HTTPException) as error:
            return Busy(f"no answer: {type(error).__name__}: {error}")
        return self._answer(exchange, end)

    def _answer(self, exchange: Exchange, end: float) -> Answer:
        response = exchange.response
        version = response.getheader(wire.PROCESSOR_HEADER)
        if version is not None and response.status == 200:
            return self._follow(exchange, end)
        text = self._connections.done(exchange).decode(errors="replace")[:500]
        if version is None:
            return Busy(f"the load balancer answered {response.status}")
        said = f"processor {version} answered {response.status}: {text}"
        match response.status:
            case 503:
                return Busy(said, _retry_after(response))
            case 400:
                return NotAJob(said)
            case _:
                return Unclear(said, _retry_after(response))

    def _follow(self, exchange: Exchange, end: float) -> Answer:
        while True:
            try:
                exchange.socket.settimeout(max(min(self._silence, end - time.monotonic()), 0.001))
                text = exchange.response.readline(_LINE_LENGTH)
                line = wire.decode_line(text) if text else None
            except (OSError, http.client.HTTPException, wire.BadJobError) as error:
                exchange.connection.close()
                return Unclear(f"the stream broke off: {type(error).__name__}: {error}")
            match line:
                case wire.Progress(facts):
                    logger.debug("progress", progress=dict(facts))
                case wire.Outcome(item) if _is_final(item.get("status")):
                    self._connections.done(exchange)
                    return Finished(item)
                case wire.Retry(code, message):
                    self._connections.done(exchange)
                    return AskedAgain(code, message)
                case _:
                    exchange.connection.close()
                    return Unclear(f"the stream ended without an outcome, its last line {text[:200]!r}")


def _is_final(status: object) -> bool:
    return isinstance(status, str) and status in Status.__members__ and Status(status).final


def _retry_after(response: http.client.HTTPResponse) -> int:
    text = response.getheader("Retry-After", "")
    return int(text) if text.isdecimal() else 0
