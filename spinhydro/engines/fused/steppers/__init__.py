"""Time steppers of the fused engine."""
