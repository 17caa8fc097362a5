"""Everything that reaches into Dedalus or changes a process-wide setting."""
