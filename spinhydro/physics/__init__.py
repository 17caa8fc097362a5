"""Formulas without Dedalus: species, materials, states, exact solutions."""
