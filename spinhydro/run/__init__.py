"""The run: plan, loop, output, record."""
