"""Astra: an array compiler on MLIR."""
