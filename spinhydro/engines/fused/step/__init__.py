"""Compiled steps: layout, dataflow, memory, passes over slabs and columns."""
