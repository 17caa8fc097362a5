"""The language of equation strings, and its checks."""
