"""Lambda: functions run with what their package brings."""

from local.corrections import module

HIDE = "import sys\nsys.path[:] = [place for place in sys.path if 'site-packages' not in place]\n"


def apply() -> None:
    """Apply the corrections of Lambda."""
    hide_the_packages_of_ministack()


def hide_the_packages_of_ministack() -> None:
    """A function imports its own package and the standard library, not what ministack happens to have installed.

    AWS: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html; the runtime's own boto3, which AWS advises
    to bundle all the same, is not here either.
    """
    runtime = module("core.lambda_runtime")
    runtime._PYTHON_WORKER_SCRIPT = HIDE + runtime._PYTHON_WORKER_SCRIPT
