"""The HTTP interface: jobs, health, readiness and metrics."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio.to_thread
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estancia_processor import VERSION
from estancia_processor.clock import Clock, ClockCheck
from estancia_processor.metrics import Metrics
from estancia_processor.readiness import Readiness
from estancia_processor.records import Held, Settled, Unknown, outcome_of
from estancia_processor.work import Draining, Handle, NoSlot, Workshop
from estancia_protocol import handback, lease
from estancia_protocol.job import (
    PROBLEM_TYPE,
    PROCESS_PATH,
    PROCESSOR_HEADER,
    STREAM_TYPE,
    Job,
    Outcome,
    Progress,
    encode_line,
    parse_timestamp,
    timestamp,
)

PROGRESS_EVERY: Final = 10.0
"""Seconds; the protocol allows 15."""
NO_SLOT_RETRY: Final = 5
DRAINING_RETRY: Final = 2
UNREADY_RETRY: Final = 10
LONGEST: Final = dt.timedelta(hours=1)
BODY_BYTES: Final = 16_384
"""Key and version have 1,024 bytes at most, six times that where JSON escapes each."""
_log = logging.getLogger(__name__)


class JobBody(BaseModel):
    """A job as it is posted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: str = Field(min_length=1, max_length=1024, description="The raw object's key, decoded.")
    version_id: str = Field(min_length=1, max_length=1024, description="Its version.")
    attempt: int = Field(ge=1, le=1_000_000, description="The attempt's number, 1 for the first.")
    deadline: AwareDatetime = Field(strict=False, description="When the attempt must have ended.")
    request_id: str = Field(min_length=1, max_length=256, description="The sender's request id, for the logs.")


def create(
    workshop: Workshop, readiness: Readiness, metrics: Metrics, clock: Clock, clock_check: ClockCheck
) -> FastAPI:
    """Make the application.

    Args:
        workshop: runs the jobs.
        readiness: knows whether the first job could run.
        metrics: what /metrics tells.
        clock: wall and monotonic time.
        clock_check: refuses jobs while the clock is wrong.
    """
    app = FastAPI(title="Estancia processor", version=VERSION)
    _errors(app)
    _jobs(app, workshop, readiness, metrics, clock=clock, clock_check=clock_check)
    _probes(app, workshop, readiness, metrics, clock_check)
    return app


def _jobs(
    app: FastAPI, workshop: Workshop, readiness: Readiness, metrics: Metrics, *, clock: Clock, clock_check: ClockCheck
) -> None:
    @app.post(PROCESS_PATH, responses={400: {}, 409: {}, 503: {}}, response_class=StreamingResponse)
    async def process(body: JobBody) -> Response:
        """Start a job and stream its progress and outcome."""
        job = Job(body.key, body.version_id, body.attempt, body.deadline, body.request_id)
        if not clock_check.sound:
            # Only an answer of AWS tells that it is right again.
            await anyio.to_thread.run_sync(readiness.ask_the_ledger)
        if not clock_check.sound:
            metrics.refused("clock")
            return problem(503, f"the clock is wrong by {clock_check.error:.1f} s; wait for it", UNREADY_RETRY)
        if not clock.now() < job.deadline < clock.now() + LONGEST:
            metrics.refused("deadline")
            return problem(
                400, f"deadline {timestamp(job.deadline)} is past or over an hour away; send the function's end"
            )
        try:
            taken = await anyio.to_thread.run_sync(workshop.take, job)
        except (ClientError, BotoCoreError) as error:
            _log.warning("the ledger did not answer", exc_info=error)
            metrics.refused("ledger")
            return problem(503, "the ledger did not answer; send the job again", UNREADY_RETRY)
        return answer(taken, job, metrics, clock)


def _probes(app: FastAPI, workshop: Workshop, readiness: Readiness, metrics: Metrics, clock_check: ClockCheck) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Alive, whatever the load or the draining: what the target group asks."""
        return {"status": "alive", "version": VERSION}

    @app.get("/readyz")
    async def readyz() -> Response:
        """Ready for the first job: ledger, buckets, clock and scratch."""
        found = await anyio.to_thread.run_sync(readiness.check)
        if workshop.draining:
            found["draining"] = "the process is about to end"
        ready = all(fault is None for fault in found.values())
        return JSONResponse({"ready": ready, "checks": found}, 200 if ready else 503)

    @app.get("/metrics")
    async def read_metrics() -> Response:
        """Prometheus's text format."""
        metrics.clock_error.set(clock_check.error)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def answer(taken: Any, job: Job, metrics: Metrics, clock: Clock) -> Response:
    """Turn what became of a job into an answer."""
    match taken:
        case Handle():
            return StreamingResponse(stream(taken), media_type=STREAM_TYPE)
        case Settled(item):
            return Response(encode_line(Outcome(outcome_of(item))), media_type=STREAM_TYPE)
        case Draining() | NoSlot():
            draining = isinstance(taken, Draining)
            metrics.refused("draining" if draining else "no_slot")
            detail = "this processor is about to end" if draining else "every slot has a job"
            return problem(503, f"{detail}; send the job again", DRAINING_RETRY if draining else NO_SLOT_RETRY)
        case Held(item):
            metrics.refused("held")
            return _held(item, job, clock)
        case Unknown():
            metrics.refused("unknown")
            return problem(
                400, f"the ledger has no work item of {job.key!r} version {job.version_id!r}; write it first"
            )
    raise TypeError(f"{taken!r} is no answer to a job")


async def stream(handle: Handle) -> AsyncIterator[bytes]:
    """Yield progress often enough, then the last line. A client that goes away changes nothing: the thread goes on."""
    done = asyncio.wrap_future(handle.done)
    while not done.done():
        yield encode_line(Progress(handle.facts))
        await asyncio.wait({done}, timeout=PROGRESS_EVERY)
    yield encode_line(done.result())


def problem(status: int, detail: str, retry_after: int | None = None) -> Response:
    """Return a problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return JSONResponse(body, status, headers, PROBLEM_TYPE)


_TITLES: Final = {
    400: "Not a job",
    404: "Not found",
    405: "Method not allowed",
    409: "Another's lease or attempt",
    500: "Internal error",
    503: "Busy",
}


class Identify:
    """Sets the header that tells a processor's answers from the load balancer's, also on those to failures."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and sign its answer."""
        begun = False

        async def signed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message)[PROCESSOR_HEADER] = VERSION
            await send(message)

        try:
            await self._app(scope, receive, signed)
        except Exception:
            _log.exception("%s %s failed", scope.get("method"), scope.get("path"))
            if begun or scope["type"] != "http":
                raise
            await problem(500, "the processor failed; its log tells more")(scope, receive, signed)


class Bounded:
    """Stops reading a body that is longer than any job."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its body's bytes."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_BYTES:
                raise HTTPException(400, f"the body has more than {BODY_BYTES} bytes; no job is so long")
            return message

        await self._app(scope, counted, send)


def _held(item: Any, job: Job, clock: Clock) -> Response:
    until = item.get("lease_until")
    delay = handback.lease_delay(lease.remaining(parse_timestamp(until) if until else None, clock.now()))
    detail = (
        f"{job.key!r}: attempt {item.get('attempt')} of {item.get('attempt_limit')} is the item's, {job.attempt} came;"
        " read the item again"
    )
    return problem(409, detail, delay)


def _errors(app: FastAPI) -> None:
    """Give every answer the header that tells it from the load balancer's, and every error a problem document."""

    app.add_middleware(Bounded)
    app.add_middleware(Identify)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return problem(400, f"the body is not a job: {faults}"[:1000])

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail))
