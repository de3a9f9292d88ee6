"""Where ministack answers differently from AWS, it is put right here: a module a concern, a function a difference.

Each function says what AWS does and where AWS says so, and has a test that fails once ministack does it too.
Only what the environment of ministack holds, and the standard library, may be imported here.
"""

import importlib
from typing import Any

SERVICES = (
    "transport",
    "s3",
    "s3_ranges",
    "s3_conditions",
    "iam",
    "kms",
    "cloudwatch",
    "sts",
    "functions",
    "load_balancer",
    "load_balancer_attributes",
    "security_groups",
    "network_acls",
    "network_parts",
    "launch_templates",
    "autoscaling",
    "persistence",
)


def module(name: str) -> Any:
    """Return a module of ministack by its name below the package, such as `services.s3`."""
    return importlib.import_module(f"ministack.{name}")


def apply_all() -> None:
    """Apply every correction; to be called once, before ministack's entry point."""
    for service in SERVICES:
        importlib.import_module(f"local.corrections.{service}").apply()
