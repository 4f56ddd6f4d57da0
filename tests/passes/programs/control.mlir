// StableHLO programs: branches and loops (their form is in ../stablehlo_programs.py).

// program: if; bifc; interpreter
func.func @main(%p: tensor<i1>, %a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<i32>) {
  %0:2 = "stablehlo.if"(%p) ({
    %1 = stablehlo.add %a, %b : tensor<3xT>
    %2 = stablehlo.constant dense<1> : tensor<i32>
    stablehlo.return %1, %2 : tensor<3xT>, tensor<i32>
  }, {
    %2 = stablehlo.constant dense<2> : tensor<i32>
    stablehlo.return %b, %2 : tensor<3xT>, tensor<i32>
  }) : (tensor<i1>) -> (tensor<3xT>, tensor<i32>)
  return %0#0, %0#1 : tensor<3xT>, tensor<i32>
}
// program: case; f32,i32; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>) {
  %c0 = stablehlo.constant dense<0> : tensor<i32>
  %c1 = stablehlo.constant dense<1> : tensor<i32>
  %c9 = stablehlo.constant dense<-9> : tensor<i32>
  %0 = "stablehlo.case"(%c0) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    %x = stablehlo.subtract %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %1 = "stablehlo.case"(%c1) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    %x = stablehlo.subtract %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %2 = "stablehlo.case"(%c9) ({
    %x = stablehlo.add %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %3 = "stablehlo.case"(%c9) ({
    %x = stablehlo.multiply %a, %b : tensor<3xT>
    stablehlo.return %x : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  return %0, %1, %2, %3 : tensor<3xT>, tensor<3xT>, tensor<3xT>, tensor<3xT>
}
// program: case_of_predicate; f32,i32; interpreter
func.func @main(%p: tensor<i1>, %a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<3xT>, tensor<3xT>) {
  %q = stablehlo.not %p : tensor<i1>
  %i = stablehlo.convert %p : (tensor<i1>) -> tensor<i32>
  %j = stablehlo.convert %q : (tensor<i1>) -> tensor<i32>
  %0 = "stablehlo.case"(%i) ({
    stablehlo.return %a : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  %1 = "stablehlo.case"(%j) ({
    stablehlo.return %a : tensor<3xT>
  }, {
    stablehlo.return %b : tensor<3xT>
  }) : (tensor<i32>) -> tensor<3xT>
  return %0, %1 : tensor<3xT>, tensor<3xT>
}
// program: while; if; interpreter
func.func @main(%a: tensor<3xT>, %b: tensor<3xT>) -> (tensor<i32>, tensor<3xT>) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %n = stablehlo.constant dense<5> : tensor<i32>
  %0:2 = stablehlo.while(%i = %z, %x = %a) : tensor<i32>, tensor<3xT>
  cond {
    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %one = stablehlo.constant dense<1> : tensor<i32>
    %j = stablehlo.add %i, %one : tensor<i32>
    %y = stablehlo.add %x, %b : tensor<3xT>
    stablehlo.return %j, %y : tensor<i32>, tensor<3xT>
  }
  return %0#0, %0#1 : tensor<i32>, tensor<3xT>
}
