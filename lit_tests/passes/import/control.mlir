// Control flow keeps its regions; a case becomes a chain of ifs; composites become calls; tuples vanish.
// RUN: %astra-opt %s --astra-import | %filecheck %s

// CHECK-LABEL: func.func @while
// CHECK: "astra.while"(%arg0) ({
// CHECK-NEXT: ^bb0(%[[I:.*]]: tensor<i32>):
// CHECK-NEXT: %[[C:.*]] = "astra.compare"(%[[I]], %arg1) {compare_type = "SIGNED", direction = "LT"}
// CHECK-NEXT: "astra.yield"(%[[C]]) : (tensor<i1>) -> ()
// CHECK-NEXT: }, {
// CHECK-NEXT: ^bb0(%[[J:.*]]: tensor<i32>):
// CHECK-NEXT: %[[K:.*]] = "astra.add"(%[[J]], %[[J]])
// CHECK-NEXT: "astra.yield"(%[[K]]) : (tensor<i32>) -> ()
func.func @while(%a: tensor<i32>, %n: tensor<i32>) -> tensor<i32> {
  %0 = stablehlo.while(%i = %a) : tensor<i32>
  cond {
    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.add %i, %i : tensor<i32>
    stablehlo.return %1 : tensor<i32>
  }
  return %0 : tensor<i32>
}

// CHECK-LABEL: func.func @case
// CHECK: %[[IS0:.*]] = "astra.compare"(%arg0, {{.*}}) {compare_type = "SIGNED", direction = "EQ"}
// CHECK-NEXT: %[[R:.*]] = "astra.if"(%[[IS0]]) ({
// CHECK-NEXT: %[[A:.*]] = "astra.sine"(%arg1)
// CHECK-NEXT: "astra.yield"(%[[A]])
// CHECK-NEXT: }, {
// CHECK: %[[IS1:.*]] = "astra.compare"
// CHECK-NEXT: %[[INNER:.*]] = "astra.if"(%[[IS1]]) ({
// CHECK-NEXT: "astra.cosine"
// CHECK: }, {
// CHECK-NEXT: "astra.yield"(%arg1)
// CHECK: "astra.yield"(%[[INNER]])
// CHECK: return %[[R]]
func.func @case(%i: tensor<i32>, %x: tensor<f32>) -> tensor<f32> {
  %0 = "stablehlo.case"(%i) ({
    %1 = stablehlo.sine %x : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }, {
    %1 = stablehlo.cosine %x : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }, {
    stablehlo.return %x : tensor<f32>
  }) : (tensor<i32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// JAX's two-way choice: the index is a truth value.
// CHECK-LABEL: func.func @cond
// CHECK: "astra.if"(%arg0) ({
// CHECK-NEXT: "astra.yield"(%arg1)
// CHECK-NEXT: }, {
// CHECK-NEXT: "astra.yield"(%arg2)
func.func @cond(%p: tensor<i1>, %x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {
  %i = stablehlo.convert %p : (tensor<i1>) -> tensor<i32>
  %0 = "stablehlo.case"(%i) ({
    stablehlo.return %y : tensor<f32>
  }, {
    stablehlo.return %x : tensor<f32>
  }) : (tensor<i32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// CHECK-LABEL: func.func @composites
// CHECK-NEXT: %[[E:.*]] = "astra.erf"(%arg0)
// CHECK-NEXT: %[[T:.*]]:2 = "astra.top_k"(%[[E]]) {k = 2 : i64, largest = true}
// CHECK-NEXT: call @double(%[[T]]#0) : (tensor<2xf32>) -> tensor<2xf32>
func.func @composites(%x: tensor<4xf32>) -> tensor<2xf32> {
  %0 = stablehlo.composite "chlo.erf" %x {decomposition = @erf.impl, version = 1 : i32} : (tensor<4xf32>) -> tensor<4xf32>
  %1:2 = stablehlo.composite "chlo.top_k" %0 {composite_attributes = {k = 2 : i64}, decomposition = @top_k.impl, version = 1 : i32} : (tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>)
  %2 = stablehlo.composite "mine.double" %1#0 {decomposition = @double, version = 1 : i32} : (tensor<2xf32>) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}
// The decompositions of composites that are operations of their own are not needed.
// CHECK-NOT: impl
func.func private @erf.impl(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func private @top_k.impl(%x: tensor<4xf32>) -> (tensor<2xf32>, tensor<2xi32>) {
  %0 = stablehlo.slice %x [0:2] : (tensor<4xf32>) -> tensor<2xf32>
  %1 = stablehlo.iota dim = 0 : tensor<2xi32>
  return %0, %1 : tensor<2xf32>, tensor<2xi32>
}
// CHECK: func.func private @double
func.func private @double(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = stablehlo.add %x, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @tuples
// CHECK-NEXT: return %arg1, %arg0
func.func @tuples(%x: tensor<f32>, %y: tensor<i32>) -> (tensor<i32>, tensor<f32>) {
  %0 = stablehlo.tuple %x, %y : tuple<tensor<f32>, tensor<i32>>
  %1 = stablehlo.get_tuple_element %0[1] : (tuple<tensor<f32>, tensor<i32>>) -> tensor<i32>
  %2 = stablehlo.get_tuple_element %0[0] : (tuple<tensor<f32>, tensor<i32>>) -> tensor<f32>
  return %1, %2 : tensor<i32>, tensor<f32>
}

// Annotations are forwarded, operations hidden in custom calls come out, other custom calls stay as they are.
// CHECK-LABEL: func.func @custom_calls
// CHECK-NEXT: "astra.top_k"(%arg0) {k = 3 : i64, largest = false}
// CHECK-NEXT: "astra.custom_call"(%arg0, %arg0) {call_target_name = "check.expect_eq", has_side_effect = true} : (tensor<4xf32>, tensor<4xf32>) -> ()
// CHECK-NEXT: "astra.custom_call"(%arg0) {api_version = 4 : i32, backend_config = {a = 1 : i64}, call_target_name = "f", has_side_effect = false}
// CHECK-NEXT: return %arg0
func.func @custom_calls(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = stablehlo.custom_call @Sharding(%x) {mhlo.sharding = "{replicated}"} : (tensor<4xf32>) -> tensor<4xf32>
  %1:2 = stablehlo.custom_call @mhlo.topk(%0) {mhlo.attributes = {k = 3 : i64, largest = false}, mhlo.version = 1 : i64} : (tensor<4xf32>) -> (tensor<3xf32>, tensor<3xi32>)
  stablehlo.custom_call @check.expect_eq(%x, %0) {has_side_effect = true} : (tensor<4xf32>, tensor<4xf32>) -> ()
  %2 = stablehlo.custom_call @f(%x) {api_version = 4 : i32, backend_config = {a = 1 : i64}} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
