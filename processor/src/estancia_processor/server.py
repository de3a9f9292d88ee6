"""uvicorn with a graceful end: on SIGTERM no more jobs are taken, those that run go on to their deadline."""

from __future__ import annotations

import threading
from types import FrameType
from typing import Final

import uvicorn

from estancia_processor.app import Application
from estancia_processor.config import Settings
from estancia_processor.work import Workshop

KEEP_ALIVE: Final = 75
"""Seconds; longer than the load balancer's idle timeout of 60, else reused connections give 502."""


def serve(application: Application, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then until the last job has ended and its stream was sent.

    Args:
        application: the processor.
        settings: where to listen.
    """
    server = _Server(
        uvicorn.Config(
            application.http,
            host=settings.listen_host,
            port=settings.listen_port,
            http="h11",
            ws="none",
            timeout_keep_alive=KEEP_ALIVE,
            log_config=None,
            access_log=False,
            server_header=False,
        )
    )
    server.workshop = application.workshop
    server.run()
    application.workshop.wait()


class _Server(uvicorn.Server):
    """Listens on while jobs run, so that health and new deliveries are still answered."""

    workshop: Workshop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain first; uvicorn would stop listening at the signal."""
        del sig, frame
        self.workshop.drain()
        threading.Thread(target=self._end, name="drain", daemon=True).start()

    def _end(self) -> None:
        self.workshop.wait()
        self.should_exit = True
