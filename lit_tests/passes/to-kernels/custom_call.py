"""A custom call becomes a kernel that hands the addresses of its arrays and a descriptor to the runtime.

Arrays in another layout are transposed around it.

RUN: %python %s | %filecheck %s
"""

from astra_mlir import call_targets
from astra_mlir.bindings import ir, make_context
from astra_mlir.passes import run_pipeline

PROGRAM = """
func.func @main(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "astra.custom_call"(%a) {call_target_name = "seven", has_side_effect = false,
    operand_layouts = [dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>]}
    : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
"""

call_targets.TARGETS.add("seven")
with make_context():
    module = ir.Module.parse(PROGRAM)
    run_pipeline(module, "astra-to-kernels")
    print(module)

# CHECK: func.func @main(%arg0: tensor<2x3xf32>)
# CHECK: %[[IN:.*]] = "astra.transpose"(%arg0) {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
# "seven", one f32 array of 2 x 3 in, one out, no attributes.
# CHECK: %[[WORDS:.*]] = "astra.constant"() {{.*}} : () -> tensor<13xi64>
# CHECK: %[[OUT:.*]] = "astra.kernel_call"(%[[IN]], %[[WORDS]], %{{.*}}) {callee = @astra_custom_call_
# CHECK: "astra.transpose"(%[[OUT]]) {permutation = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
# CHECK: func.func private @astra_custom_call(i64, i64)
# CHECK: func.func private @astra_custom_call_{{.*}}: memref<3x2xf32>, {{.*}}: memref<13xi64>, {{.*}}: memref<3x2xf32>)
# CHECK: memref.extract_aligned_pointer_as_index
# CHECK: call @astra_custom_call(
