"""Programs for NVIDIA GPUs: compiled to cubins, their arrays, launches and files."""
