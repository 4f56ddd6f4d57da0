"""Command-line tools: astra-opt, astra-run, astra-translate."""
