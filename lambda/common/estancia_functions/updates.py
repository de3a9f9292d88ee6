"""One update of one ledger item as DynamoDB's expressions. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UpdateItemInputTypeDef

Value = str | int | Mapping[str, str]
_NAME: Final = re.compile(r"#(\w+)")


@dataclass(frozen=True, slots=True)
class Update:
    """A conditional update.

    Attributes:
        pk: the item's partition key.
        sk: its sort key.
        assign: attributes that are set.
        if_absent: attributes that are set only where the item has none.
        remove: attributes that are removed.
        condition: a condition expression; `#name` is the attribute of that name, `:name` the value in `values`.
        values: the condition's values.
    """

    pk: str
    sk: str
    assign: Mapping[str, Value] = field(default_factory=dict)
    if_absent: Mapping[str, Value] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    condition: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def request(self, table: str) -> UpdateItemInputTypeDef:
        """Return UpdateItem's arguments; the answer holds the new item, a failed condition's error the old one."""
        sets = [f"#{name} = :new_{name}" for name in self.assign]
        sets += [f"#{name} = if_not_exists(#{name}, :new_{name})" for name in self.if_absent]
        expression = f"SET {', '.join(sets)}"
        if self.remove:
            expression += f" REMOVE {', '.join(f'#{name}' for name in self.remove)}"
        given = {f":new_{name}": value for name, value in {**self.assign, **self.if_absent}.items()}
        given |= {f":{name}": value for name, value in self.values.items()}
        request: UpdateItemInputTypeDef = {
            "TableName": table,
            "Key": {"pk": {"S": self.pk}, "sk": {"S": self.sk}},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{name}": name for name in _NAME.findall(f"{expression} {self.condition}")},
            "ExpressionAttributeValues": {name: _attribute(value) for name, value in given.items()},
            "ReturnValues": "ALL_NEW",
        }
        if self.condition:
            request["ConditionExpression"] = self.condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return request


def _attribute(value: Value) -> AttributeValueTypeDef:
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case _:
            return {"M": {name: {"S": text} for name, text in value.items()}}
