"""What the project's own modules share: steps that are shown, and done only outside check mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

Outcome = TypeVar("Outcome")


class Plan:
    """The steps from the live state to the wanted one, in order.

    Args:
        check_mode: True when nothing may be done.
    """

    def __init__(self, check_mode: bool) -> None:
        self.check_mode = check_mode
        self.changed = False
        self.diff: list[dict[str, Any]] = []
        self.doing = "Reading the live state"

    def step(self, title: str, before: Any, after: Any, action: Callable[[], Outcome]) -> Outcome | None:
        """Record a difference and, outside check mode, do what removes it.

        Args:
            title: What is done and to what; the header of the difference and of an error.
            before: The live state, as text or as plain data.
            after: The wanted state, of the same kind.
            action: The call that changes the one into the other.

        Returns:
            What the action returns; None in check mode.
        """
        self.changed = True
        self.doing = title
        self.diff.append({"before_header": title, "after_header": title, "before": before, "after": after})
        return None if self.check_mode else action()

    def converge(self, title: str, before: Any, after: Any, action: Callable[[], Any]) -> bool:
        """Take a step only where the two states differ.

        Args:
            title: As for `step`.
            before: The live state.
            after: The wanted state.
            action: The call that changes the one into the other.

        Returns:
            True when they differed.
        """
        if before == after:
            return False
        self.step(title, before, after, action)
        return True


def converge_tags(
    plan: Plan,
    title: str,
    live: Mapping[str, str],
    wanted: Mapping[str, str],
    *,
    add: Callable[[dict[str, str]], Any],
    remove: Callable[[list[str]], Any],
) -> None:
    """Make a resource's tags exactly the wanted ones; AWS's own (aws:...) stay.

    Args:
        plan: Where the step goes.
        title: The resource, for the difference's header.
        live: The tags that are there.
        wanted: The tags that shall be there.
        add: Sets the tags given.
        remove: Removes the tag keys given.
    """
    own = {key: value for key, value in live.items() if not key.startswith("aws:")}
    missing = {key: value for key, value in wanted.items() if own.get(key) != value}
    surplus = sorted(set(own) - set(wanted))

    def apply() -> None:
        if surplus:
            remove(surplus)
        if missing:
            add(missing)

    plan.converge(f"Tags of {title}", own, dict(wanted), apply)


def run(module: Any, work: Callable[[Plan], dict[str, Any]]) -> None:
    """Run a module's work and leave with its result, or with AWS's error and what was being done.

    Args:
        module: The AnsibleAWSModule.
        work: Takes the steps and returns the module's result.
    """
    plan = Plan(module.check_mode)
    result: dict[str, Any] = {}
    try:
        result = work(plan)
    except (BotoCoreError, ClientError, WaiterError) as error:
        module.fail_json_aws(error, msg=plan.doing)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=plan.changed, diff=plan.diff, **result)


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The list of pairs that most of AWS's interfaces take.

    Args:
        tags: Tags by key.
        key: What the service calls a key.
        value: What the service calls a value.

    Returns:
        One dict for each tag.
    """
    return [{key: name, value: text} for name, text in tags.items()]


def tag_dict(pairs: list[Any] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """The reverse of `tag_list`.

    Args:
        pairs: What the service answered; None where it answered no tags.
        key: What the service calls a key.
        value: What the service calls a value.

    Returns:
        Tags by key.
    """
    return {pair[key]: pair[value] for pair in pairs or []}
