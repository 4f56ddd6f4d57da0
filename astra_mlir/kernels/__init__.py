"""``@astra.kernel``: tile kernels compiled and launched, tuned, and differentiated where they are pointwise."""
