"""Programs: rounds of transforms with pointwise loops between them."""
