"""Compile loops to machine code, and keep it on disk."""
