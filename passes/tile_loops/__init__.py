"""Tile functions to loops over vectors: the parts of ``astra-tile-to-loops``, which is ``passes/tile_to_loops.py``.

``chunks`` is what a value is at one place of a loop (a scalar, lanes of a vector, an address), ``evaluate`` computes
those of elementwise work, ``emitter`` walks blocks and groups what can share a loop, ``structured`` has the loops of
reductions, scans, products and atomics, ``control`` those of ``scf``.
"""
