// A function of CHLO that has no form in StableHLO for shapes known only at run time is refused.
// RUN: not %astra-opt %s --astra-import 2>&1 | %filecheck %s

// CHECK: CHLO operations that have no StableHLO form for their types
func.func @main(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %0 = chlo.broadcast_zeta %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
