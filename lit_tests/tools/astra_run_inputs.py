"""Arguments from files or from a seed, results printed or saved.

RUN: %python %s %t
RUN: %astra-run %t.mlir --input %t.x.npy --input %t.y.npy --target x86-64-v2 | %filecheck %s --check-prefix=PRINT
RUN: %astra-run %t.mlir --input %t.x.npy --input %t.y.npy --target x86-64-v2 --save %t.out
RUN: %python %s %t check
RUN: %astra-run %t.mlir --random-seed 3 --target x86-64-v2 > %t.first
RUN: %astra-run %t.mlir --random-seed 3 --target x86-64-v2 > %t.second
RUN: diff %t.first %t.second
RUN: %astra-run %t.mlir --time --target x86-64-v2 | %filecheck %s --check-prefix=TIME
RUN: not %astra-run %t.mlir --input %t.y.npy --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=SHAPE
RUN: not %astra-run %t.mlir --input %t.none.npy --target x86-64-v2 2>&1 | %filecheck %s --check-prefix=MISSING
RUN: not %astra-run %t.mlir --target z80 2>&1 | %filecheck %s --check-prefix=TARGET

PRINT: result 0: 2x3xfloat32
PRINT-NEXT: {{..}}0. 2. 4.]
PRINT-NEXT: {{..}}4. 6. 8.]{{.}}
PRINT-NEXT: result 1: 3xbfloat16
PRINT-NEXT: {{.}}1 2 3]
TIME: compile: {{.*}} ms (
TIME: run: median {{.*}} ms
SHAPE: astra-run: error: argument 0: expected shape (2, 3)
MISSING: astra-run: error: cannot read the array
TARGET: unknown processor 'z80'
"""

import sys
from pathlib import Path

import ml_dtypes
import numpy as np

PROGRAM = """
func.func @main(%x: tensor<2x3xf32>, %y: tensor<3xbf16>) -> (tensor<2x3xf32>, tensor<3xbf16>) {
  %0 = stablehlo.convert %y : (tensor<3xbf16>) -> tensor<3xf32>
  %1 = stablehlo.broadcast_in_dim %0, dims = [1] : (tensor<3xf32>) -> tensor<2x3xf32>
  %2 = stablehlo.add %x, %1 : tensor<2x3xf32>
  return %2, %y : tensor<2x3xf32>, tensor<3xbf16>
}
"""

stem = sys.argv[1]
if sys.argv[2:] == ["check"]:
    np.testing.assert_array_equal(np.load(f"{stem}.out0.npy"), [[0, 2, 4], [4, 6, 8]])
    np.testing.assert_array_equal(np.load(f"{stem}.out1.npy").view(ml_dtypes.bfloat16), [1, 2, 3])
else:
    Path(f"{stem}.mlir").write_text(PROGRAM)
    np.save(f"{stem}.x.npy", np.array([[-1, 0, 1], [3, 4, 5]], np.float32))
    np.save(f"{stem}.y.npy", np.array([1, 2, 3], ml_dtypes.bfloat16))
