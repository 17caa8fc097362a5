"""Read Dedalus's expression trees into a graph of scalars."""
