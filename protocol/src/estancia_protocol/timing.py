"""The protocol's time limits, all in seconds, and counts of attempts."""

from __future__ import annotations

from typing import Final

LEASE: Final = 60
"""How long a lease lasts from before its last renewal was sent."""
LEASE_RENEWAL: Final = 15
"""How often a lease is renewed, and the longest silence of a job's stream."""
LEASE_MARGIN: Final = 20
"""An object is put only while so much of the lease remains."""
TAKEOVER_GRACE: Final = 10
"""How long after `lease_until` another worker may take over."""
CLOCK_TOLERANCE: Final = 2
"""A processor whose clock is wrong by more is not ready."""
HEADER_PATIENCE: Final = 10
"""No response header within this time means busy."""
DEADLINE_MARGIN: Final = 30
"""How long before the function's own end a job's deadline lies."""
ATTEMPTS: Final = 5
"""Starts a work item is given at first, and again by redrive."""
HANDBACK_MINIMUM: Final = 5
HANDBACK_MAXIMUM: Final = 20 * 60
"""Bounds of the delay for which a busy answer hands a message back."""
RETRY_BASE: Final = 15
"""A retry is handed back for this long, growing with the attempt."""
