// A choice that was measured to be faster for a product on this target is taken and said; one that does not fit is not.
// RUN: printf '{"version": 1, "choices": {"x86-64-v3": {"f32 x f32 -> f32, 1 x 512 x 512 x 512 16a505d2a3e4": {"tile_rows": 96, "tile_columns": 64, "pack_lhs": true, "pack_rhs": "tile"}}}}' > %t.json
// RUN: env ASTRA_TUNING=%t.json %astra-opt %s --astra-cpu-to-astra --astra-cpu-to-linalg --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s
// RUN: sed s/96/97/ %t.json > %t.wrong.json
// RUN: env ASTRA_TUNING=%t.wrong.json %astra-opt %s --astra-cpu-to-astra --astra-cpu-to-linalg --astra-print-schedules -o /dev/null 2>&1 | %filecheck %s --check-prefix=RULE

// CHECK: GemmSchedule({{.*}}tile_rows=96, tile_columns=64, depth=256, segments=1, pack_lhs=True, pack_rhs=tile, {{.*}}tuned=True)
// RULE: GemmSchedule({{.*}}pack_lhs=False
// RULE-NOT: tuned
module attributes {astra.target = "x86-64-v3"} {
  func.func @main(%x: tensor<512x512xf32>, %y: tensor<512x512xf32>) -> tensor<512x512xf32> {
    %product = stablehlo.dot_general %x, %y, contracting_dims = [1] x [0]
        : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
    return %product : tensor<512x512xf32>
  }
}
