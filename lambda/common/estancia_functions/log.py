"""The function's one logger: JSON lines with the request's id, later also the object version at hand."""

from __future__ import annotations

from aws_lambda_powertools.logging import Logger

logger = Logger()
