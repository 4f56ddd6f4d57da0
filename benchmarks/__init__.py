"""Timings of Astra beside XLA, NumPy and PyTorch on the CPU: ``python -m benchmarks.run``."""

import os

# OpenBLAS reads this when NumPy is imported.  By default its threads go on spinning for 20 ms after a product, in which
# whoever is timed next has half of a machine of two cores (measured: a product of 1024 takes 21 ms instead of 11).
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "8")
