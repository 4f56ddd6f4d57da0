// 1 / (1 + exp(x)) is one function; the exponential of another sum is not.
// RUN: %astra-opt %s --astra-expand-math | %filecheck %s

module attributes {astra.target = "x86-64-v3"} {
  // CHECK-LABEL: func.func @logistic
  // CHECK: arith.constant 2.32830644E-10 : f32
  // CHECK: %[[RAISED:.*]] = arith.addf %[[POWER:.*]], %[[UNIT:.*]] : f32
  // CHECK: %[[KEPT:.*]] = arith.subf %[[RAISED]], %[[POWER]]
  // CHECK: %[[LOST:.*]] = arith.subf %{{.*}}, %[[KEPT]]
  // CHECK: %[[REST:.*]] = math.fma %[[POWER]], %{{.*}}, %[[LOST]]
  // CHECK: %[[SUM:.*]] = arith.addf %[[REST]], %[[RAISED]]
  // CHECK: %[[R:.*]] = arith.divf %{{.*}}, %[[SUM]] : f32
  // CHECK-NEXT: return %[[R]]
  func.func @logistic(%x: f32) -> f32 {
    %one = arith.constant 1.0 : f32
    %e = math.exp %x : f32
    %d = arith.addf %e, %one : f32
    %r = arith.divf %one, %d : f32
    return %r : f32
  }

  // CHECK-LABEL: func.func @another
  // CHECK: arith.divf %{{.*}}, %{{.*}} : f32
  // CHECK-NEXT: return %{{.*}}, %{{.*}} : f32, f32
  func.func @another(%x: f32) -> (f32, f32) {
    %one = arith.constant 1.0 : f32
    %e = math.exp %x : f32
    %d = arith.addf %e, %one : f32
    %r = arith.divf %one, %d : f32
    return %r, %e : f32, f32
  }
}
