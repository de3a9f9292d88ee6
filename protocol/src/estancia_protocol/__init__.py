"""The rules that the dispatcher and the processor share. Standard library only; see docs/protocol.md."""
