"""Tile functions to kernels of NVIDIA GPUs: layouts of tiles over threads, and the code each thread runs."""

from __future__ import annotations
