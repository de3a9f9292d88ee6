"""What the Makefile runs: set-up, suites, generated tables."""
