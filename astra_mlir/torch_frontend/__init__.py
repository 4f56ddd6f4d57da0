"""PyTorch functions and modules: captured as StableHLO programs, compiled and transformed."""
