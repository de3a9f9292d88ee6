"""IAM: service-linked roles under the names that AWS gives them; conditions see the role behind a session."""

from typing import Any

from local.corrections import module

NAMES = {
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
}


def apply() -> None:
    """Apply the corrections of IAM."""
    name_service_linked_roles()
    name_the_role_behind_a_session()


def name_service_linked_roles() -> None:
    """A service-linked role has the name that its service documents; ministack only capitalizes the service's.

    AWS: https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html;
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html; one that is there
    already is InvalidInput, https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html.
    """
    iam = module("services.iam")
    create = iam._IAM_HANDLERS["CreateServiceLinkedRole"]

    def create_role(parameters: dict[str, Any]) -> Any:
        service = iam._p(parameters, "AWSServiceName")
        name = NAMES.get(service)
        if name is None:
            return create(parameters)
        if name in iam._roles:
            message = f"Service role name {name} has been taken in this account, please try a different suffix."
            return iam._error(400, "InvalidInput", message, ns="iam")
        status, headers, body = create(parameters)
        made = f"AWSServiceRoleFor{service.partition('.')[0].capitalize()}"
        if status == 200 and made in iam._roles:
            role = iam._roles.pop(made)
            iam._roles[name] = role | {"RoleName": name, "Arn": role["Arn"].replace(made, name)}
        return status, headers, body.replace(made.encode(), name.encode())

    iam._IAM_HANDLERS["CreateServiceLinkedRole"] = create_role


def name_the_role_behind_a_session() -> None:
    """`aws:PrincipalArn` is the role's ARN for who assumed a role; ministack compares the session's.

    AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn,
    "For IAM roles, the request context returns the ARN of the role, not the ARN of the user that assumed the role".
    """
    evaluator, iam = module("core.iam_evaluator"), module("services.iam")
    resolve = evaluator._resolve_condition_key

    def resolve_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        name = value.split("/")[1]
        role = iam._roles.get(name)
        return role["Arn"] if role else f"arn:aws:iam::{context.principal_account}:role/{name}"

    evaluator._resolve_condition_key = resolve_key
