"""State that survives more than an orderly shutdown."""

import logging
import threading
import time
from typing import Any

from local.corrections import module

INTERVAL_SECONDS = 5.0
SHARE_OF_TIME = 0.02

logger = logging.getLogger("estancia.persistence")


def apply() -> None:
    """Apply the corrections of persistence."""
    save_while_running()


def save_while_running() -> None:
    """What AWS acknowledged stays: state is saved every 5 s in which something was asked, not only at shutdown.

    AWS: S3 and DynamoDB answer after the data is durable,
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DataDurability.html. Here a killed process loses what
    changed after the last save; objects' bytes are written at once. Saving takes at most 2 % of the time.
    """
    app = module("app")
    requests = _CountedRequests(app.app)
    app.app = requests
    threading.Thread(target=_save_for_ever, args=(app, requests), name="estancia-save", daemon=True).start()


class _CountedRequests:
    """The ASGI application, counting what it is asked beside the health check."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.count = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass one connection on."""
        if not str(scope.get("path", "")).startswith("/_ministack/"):
            self.count += 1
        await self._application(scope, receive, send)


def _save_for_ever(app: Any, requests: _CountedRequests) -> None:
    saved, pause = requests.count, INTERVAL_SECONDS
    while True:
        time.sleep(pause)
        if app._MAIN_LOOP is None or requests.count == saved:
            continue
        saved = requests.count
        pause = max(INTERVAL_SECONDS, _save_on_the_loop(app) / SHARE_OF_TIME)


def _save_on_the_loop(app: Any) -> float:
    """Save between two requests, since a request changes state on the same loop, and return the seconds it took."""
    done, took = threading.Event(), [0.0]

    def save() -> None:
        started = time.monotonic()
        try:
            app.save_all(app._build_persistence_save_dict())
        finally:
            took[0] = time.monotonic() - started
            done.set()

    app._MAIN_LOOP.call_soon_threadsafe(save)
    done.wait()
    logger.debug("State saved in %.3f s", took[0])
    return took[0]
