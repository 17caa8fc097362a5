"""Engines that advance a problem: fused, lean, and Dedalus itself."""
