"""Object files of astra-translate: what they show to a linker."""

from __future__ import annotations

import struct
from pathlib import Path

from astra_mlir.tools.astra_translate import main

PROGRAM = """
func.func @square(%x: tensor<1048576xf32>) -> tensor<1048576xf32> {
  %0 = stablehlo.multiply %x, %x : tensor<1048576xf32>
  return %0 : tensor<1048576xf32>
}
"""


def _global_symbols(data: bytes) -> set[str]:
    """The names of the global symbols that an ELF64 object file defines (System V ABI, chapter 4)."""
    (table,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    names = set()
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, index = struct.unpack_from("<IBBH", data, at)
            if info >> 4 == 1 and index:  # STB_GLOBAL and defined
                names.add(data[strings + name : data.index(b"\0", strings + name)].decode())
    return names


def test_only_the_entry_is_visible(tmp_path: Path) -> None:
    source, target = tmp_path / "square.mlir", tmp_path / "square.o"
    source.write_text(PROGRAM)
    assert main([str(source), "--to", "object", "--target", "x86-64-v3", "-o", str(target)]) in (0, None)
    assert _global_symbols(target.read_bytes()) == {"astra_entry_square"}
