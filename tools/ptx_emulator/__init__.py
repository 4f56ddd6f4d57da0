"""Runs PTX without a GPU: the threads of a block as NumPy vectors, with barriers, tensor cores and asynchronous copies.

A kernel's meaning can be checked on any machine, on the very text that ``ptxas`` gets, and more strictly than a GPU
does: addresses outside of what an argument holds, misaligned accesses, barriers that are never passed and reads of
shared memory that nothing wrote are errors or give NaN, and what is asynchronous (copies, ``wgmma``) happens at its
start or, with ``late=True``, only when it is waited for.  It says nothing of speed.

    launch(ptx, "kernel", grid=(4,), block=(128,), arguments=[x, y, 512])

``parse.py`` reads the text, ``machine.py`` holds and schedules the threads, the other modules are the instructions:
``arithmetic``, ``movement`` (memory and conversions), ``warps`` (shuffles, votes, barriers), ``tensor_cores`` and
``bulk`` (mbarriers and the tensor memory accelerator).  The reference is NVIDIA's "PTX ISA" 9.0, section numbers of
which are in the modules.
"""

from tools.ptx_emulator.launch import launch
from tools.ptx_emulator.machine import EmulationError
from tools.ptx_emulator.memory import TensorMap

__all__ = ["EmulationError", "TensorMap", "launch"]
