"""Makes the strategy of the mitogen package known to Ansible by the folder that ansible.cfg names."""

from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule

__all__ = ["StrategyModule"]
