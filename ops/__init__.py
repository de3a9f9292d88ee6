"""What an operator asks of a running platform, in any environment."""
