"""Side-by-side timings of Astra and XLA on the CPU: ``python -m benchmarks.run``."""
