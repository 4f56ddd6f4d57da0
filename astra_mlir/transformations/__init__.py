"""``astra.grad``, ``astra.vmap`` and their like, for every frontend."""
