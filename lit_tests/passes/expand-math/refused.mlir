// A target that no table names is refused: what has an instruction is not known of it.
// RUN: not %astra-opt %s --astra-expand-math 2>&1 | %filecheck %s

// CHECK: no target is named 'z80'; there are: host
module attributes {astra.target = "z80"} {
  func.func @log(%x: f32) -> f32 {
    %0 = math.log %x : f32
    return %0 : f32
  }
}
