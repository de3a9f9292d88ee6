"""What a function can import: its package alone with our corrections, and still ministack's own without."""

import json
import uuid

from tests.integration.local.support import Clients, make_function

SOURCE = """
import importlib.util

def handler(event, context):
    return {name: importlib.util.find_spec(name) is not None for name in ("json", "botocore", "ministack")}
"""


def importable(aws: Clients) -> dict[str, bool]:
    name = f"function-{uuid.uuid4().hex[:8]}"
    make_function(aws, name, SOURCE)
    found: dict[str, bool] = json.loads(aws.functions.invoke(FunctionName=name)["Payload"].read())
    return found


def test_a_function_imports_its_package_alone(aws: Clients, uncorrected: Clients) -> None:
    assert importable(aws) == {"json": True, "botocore": False, "ministack": False}
    without = importable(uncorrected)
    assert without["ministack"], "ministack hides its packages now: remove hide_the_packages_of_ministack"
