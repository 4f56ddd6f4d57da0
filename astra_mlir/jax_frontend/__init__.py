"""JAX functions: captured as StableHLO programs, compiled and transformed by ``astra.jit`` and its like."""
