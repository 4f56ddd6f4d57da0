// What the CPU cannot do is refused by name and place.
// RUN: not %astra-opt %s --astra-tile-to-loops 2>&1 | %filecheck %s

// CHECK: refused.mlir:7:{{.*}}'astra.tile_print' in a program that is not launched by itself
module attributes {astra.target = "x86-64-v3"} {
  func.func @prints(%v: f32) attributes {astra.tile} {
    "astra.tile_print"(%v) {prefix = "v"} : (f32) -> ()
    return
  }
}
