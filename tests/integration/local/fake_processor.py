"""A processor that only answers: whether it is alive, whether it is ready, and who it is."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

READY = Path(os.environ["ESTANCIA_SCRATCH_DIR"]) / "not-ready"


class Handler(BaseHTTPRequestHandler):
    """Answers GET: `/readyz` 503 while the file `not-ready` is in the scratch folder, `/slow` after a second."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/crash":
            threading.Timer(0.1, os._exit, [1]).start()
        if self.path == "/slow":
            time.sleep(1)
        status = 503 if self.path == "/readyz" and READY.exists() else 200
        body = json.dumps({"environment": dict(os.environ), "headers": dict(self.headers)}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


host, port = os.environ["ESTANCIA_LISTEN_HOST"], int(os.environ["ESTANCIA_LISTEN_PORT"])
ThreadingHTTPServer((host, port), Handler).serve_forever()
