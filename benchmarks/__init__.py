"""Timings of Astra beside XLA, NumPy and PyTorch on the CPU: ``python -m benchmarks.run``."""
