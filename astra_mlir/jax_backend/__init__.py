"""JAX on Astra: what the PJRT plugin asks of Python: to compile and load programs, never to run them."""
