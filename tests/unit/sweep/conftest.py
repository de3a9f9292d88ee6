"""What several tests of the sweep share."""

from __future__ import annotations

import os

# Powertools reads it when the logger is made, which is on import.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "sweep")
