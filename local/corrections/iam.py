"""IAM: service-linked roles' names, the role behind a session, and what leave a batch of queue messages takes."""

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
    authorize_batches_as_their_single_actions()


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


def authorize_batches_as_their_single_actions() -> None:
    """A batch of queue messages takes the single action's leave; ministack asks for an action that AWS does not have.

    AWS: "setting permissions for SendMessage, DeleteMessage, or ChangeMessageVisibility sets permissions for the
    corresponding batch versions of the actions",
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api.html.
    """
    actions = module("core.iam_actions")
    extract = actions.extract_iam_action

    def extract_iam_action(service: str, *request: Any) -> str | None:
        action: str | None = extract(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    actions.extract_iam_action = extract_iam_action
