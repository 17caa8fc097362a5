"""A problem file becomes a problem: read, override, execute, check."""
