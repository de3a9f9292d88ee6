"""Writes each role's table of options into its README, from meta/argument_specs.yml; `--check` only compares."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- argument_specs -->\n).*?(<!-- /argument_specs -->)", re.DOTALL)


def shown(option: dict[str, Any]) -> str:
    """Return an option's default as the table shows it."""
    if option.get("required"):
        return "required"
    if "default" not in option:
        return "none"
    return f"`{json.dumps(option['default'], ensure_ascii=False)}`".replace("|", "\\|")


def described(option: dict[str, Any]) -> str:
    """Return an option's description on one line, its choices included."""
    text = option["description"]
    text = " ".join(text) if isinstance(text, list) else text
    choices = f" One of {', '.join(f'`{c}`' for c in option['choices'])}." if "choices" in option else ""
    return " ".join((text + choices).split()).replace("|", "\\|")


def table(role: Path) -> str:
    """Return the Markdown table of a role's options.

    Args:
        role: the role's folder.
    """
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    rows = ["| option | type | default | meaning |", "|---|---|---|---|"]
    for name, option in specs["main"]["options"].items():
        rows.append(f"| `{name}` | {option['type']} | {shown(option)} | {described(option)} |")
    return "\n".join(rows) + "\n"


def updated(readme: str, role: Path) -> str:
    """Return the README's text with its table made anew.

    Raises:
        ValueError: the README has no place for the table.
    """
    if not MARKED.search(readme):
        raise ValueError(f"{role.name}/README.md lacks <!-- argument_specs --> ... <!-- /argument_specs -->; add them")
    return MARKED.sub(lambda match: match[1] + table(role) + match[2], readme)


def main() -> int:
    """Write the tables, or with `--check` report those that are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for readme in sorted((ROOT / "roles").glob("*/README.md")):
        text = readme.read_text()
        new = updated(text, readme.parent)
        if new != text:
            stale.append(readme.parent.name)
            if not check:
                readme.write_text(new)
    print(f"role tables {'out of date' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
