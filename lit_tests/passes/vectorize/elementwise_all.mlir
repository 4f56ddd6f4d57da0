// Every elementwise function is the same function with one more dimension in its type, element types changed or not.
// RUN: %astra-opt %s --split-input-file --astra-vectorize="fn=main in-axes=0,0,0,0,0 axis-size=8" | %filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<8x4xf32>, %[[Y:[a-z0-9]+]]: tensor<8x4xf32>, %[[N:[a-z0-9]+]]: tensor<8x4xi32>, %[[M:[a-z0-9]+]]: tensor<8x4xi32>, %[[Z:[a-z0-9]+]]: tensor<8x4xcomplex<f32>>)
// CHECK-NEXT: %[[V0:[a-z0-9]+]] = "astra.abs"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V1:[a-z0-9]+]] = "astra.negate"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V2:[a-z0-9]+]] = "astra.sign"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V3:[a-z0-9]+]] = "astra.ceil"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V4:[a-z0-9]+]] = "astra.floor"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V5:[a-z0-9]+]] = "astra.round_nearest_even"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V6:[a-z0-9]+]] = "astra.round_nearest_afz"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V7:[a-z0-9]+]] = "astra.exponential"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V8:[a-z0-9]+]] = "astra.exponential_minus_one"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V9:[a-z0-9]+]] = "astra.log"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V10:[a-z0-9]+]] = "astra.log_plus_one"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V11:[a-z0-9]+]] = "astra.sqrt"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V12:[a-z0-9]+]] = "astra.rsqrt"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V13:[a-z0-9]+]] = "astra.cbrt"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V14:[a-z0-9]+]] = "astra.sine"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V15:[a-z0-9]+]] = "astra.cosine"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V16:[a-z0-9]+]] = "astra.tan"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V17:[a-z0-9]+]] = "astra.tanh"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V18:[a-z0-9]+]] = "astra.logistic"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V19:[a-z0-9]+]] = "astra.erf"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V20:[a-z0-9]+]] = "astra.not"(%[[N]]) : (tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V21:[a-z0-9]+]] = "astra.popcnt"(%[[N]]) : (tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V22:[a-z0-9]+]] = "astra.count_leading_zeros"(%[[N]]) : (tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V23:[a-z0-9]+]] = "astra.is_finite"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xi1>
// CHECK-NEXT: %[[V24:[a-z0-9]+]] = "astra.real"(%[[Z]]) : (tensor<8x4xcomplex<f32>>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V25:[a-z0-9]+]] = "astra.imag"(%[[Z]]) : (tensor<8x4xcomplex<f32>>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V26:[a-z0-9]+]] = "astra.add"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V27:[a-z0-9]+]] = "astra.subtract"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V28:[a-z0-9]+]] = "astra.multiply"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V29:[a-z0-9]+]] = "astra.divide"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V30:[a-z0-9]+]] = "astra.remainder"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V31:[a-z0-9]+]] = "astra.maximum"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V32:[a-z0-9]+]] = "astra.minimum"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V33:[a-z0-9]+]] = "astra.power"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V34:[a-z0-9]+]] = "astra.atan2"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V35:[a-z0-9]+]] = "astra.and"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V36:[a-z0-9]+]] = "astra.or"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V37:[a-z0-9]+]] = "astra.xor"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V38:[a-z0-9]+]] = "astra.shift_left"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V39:[a-z0-9]+]] = "astra.shift_right_arithmetic"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V40:[a-z0-9]+]] = "astra.shift_right_logical"(%[[N]], %[[M]]) : (tensor<8x4xi32>, tensor<8x4xi32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V41:[a-z0-9]+]] = "astra.complex"(%[[X]], %[[Y]]) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xcomplex<f32>>
// CHECK-NEXT: %[[V42:[a-z0-9]+]] = "astra.abs"(%[[Z]]) : (tensor<8x4xcomplex<f32>>) -> tensor<8x4xf32>
// CHECK-NEXT: %[[V43:[a-z0-9]+]] = "astra.convert"(%[[X]]) : (tensor<8x4xf32>) -> tensor<8x4xi32>
// CHECK-NEXT: %[[V44:[a-z0-9]+]] = "astra.convert"(%[[N]]) : (tensor<8x4xi32>) -> tensor<8x4xcomplex<f32>>
// CHECK-NEXT: %[[V45:[a-z0-9]+]] = "astra.reduce_precision"(%[[X]]) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64} : (tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: return %[[V0]], %[[V1]], %[[V2]], %[[V3]], %[[V4]], %[[V5]], %[[V6]], %[[V7]], %[[V8]], %[[V9]], %[[V10]], %[[V11]],
// CHECK-SAME: %[[V12]], %[[V13]], %[[V14]], %[[V15]], %[[V16]], %[[V17]], %[[V18]], %[[V19]], %[[V20]], %[[V21]], %[[V22]],
// CHECK-SAME: %[[V23]], %[[V24]], %[[V25]], %[[V26]], %[[V27]], %[[V28]], %[[V29]], %[[V30]], %[[V31]], %[[V32]], %[[V33]],
// CHECK-SAME: %[[V34]], %[[V35]], %[[V36]], %[[V37]], %[[V38]], %[[V39]], %[[V40]], %[[V41]], %[[V42]], %[[V43]], %[[V44]],
// CHECK-SAME: %[[V45]] :
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xi32>, tensor<8x4xi32>, tensor<8x4xi32>, tensor<8x4xi1>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>,
// CHECK-SAME: tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xi32>,
// CHECK-SAME: tensor<8x4xi32>, tensor<8x4xi32>, tensor<8x4xi32>, tensor<8x4xi32>, tensor<8x4xi32>,
// CHECK-SAME: tensor<8x4xcomplex<f32>>, tensor<8x4xf32>, tensor<8x4xi32>, tensor<8x4xcomplex<f32>>,
// CHECK-SAME: tensor<8x4xf32>
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: tensor<4xi32>, %m: tensor<4xi32>, %z: tensor<4xcomplex<f32>>) -> (
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>,
    tensor<4xi32>, tensor<4xi32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>,
    tensor<4xcomplex<f32>>, tensor<4xf32>, tensor<4xi32>, tensor<4xcomplex<f32>>, tensor<4xf32>) {
  %0 = "astra.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "astra.negate"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = "astra.sign"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = "astra.ceil"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %4 = "astra.floor"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %5 = "astra.round_nearest_even"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %6 = "astra.round_nearest_afz"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %7 = "astra.exponential"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %8 = "astra.exponential_minus_one"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %9 = "astra.log"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %10 = "astra.log_plus_one"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %11 = "astra.sqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %12 = "astra.rsqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %13 = "astra.cbrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %14 = "astra.sine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %15 = "astra.cosine"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %16 = "astra.tan"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %17 = "astra.tanh"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %18 = "astra.logistic"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %19 = "astra.erf"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %20 = "astra.not"(%n) : (tensor<4xi32>) -> tensor<4xi32>
  %21 = "astra.popcnt"(%n) : (tensor<4xi32>) -> tensor<4xi32>
  %22 = "astra.count_leading_zeros"(%n) : (tensor<4xi32>) -> tensor<4xi32>
  %23 = "astra.is_finite"(%x) : (tensor<4xf32>) -> tensor<4xi1>
  %24 = "astra.real"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  %25 = "astra.imag"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  %26 = "astra.add"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %27 = "astra.subtract"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %28 = "astra.multiply"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %29 = "astra.divide"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %30 = "astra.remainder"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %31 = "astra.maximum"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %32 = "astra.minimum"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %33 = "astra.power"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %34 = "astra.atan2"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %35 = "astra.and"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %36 = "astra.or"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %37 = "astra.xor"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %38 = "astra.shift_left"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %39 = "astra.shift_right_arithmetic"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %40 = "astra.shift_right_logical"(%n, %m) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
  %41 = "astra.complex"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xcomplex<f32>>
  %42 = "astra.abs"(%z) : (tensor<4xcomplex<f32>>) -> tensor<4xf32>
  %43 = "astra.convert"(%x) : (tensor<4xf32>) -> tensor<4xi32>
  %44 = "astra.convert"(%n) : (tensor<4xi32>) -> tensor<4xcomplex<f32>>
  %45 = "astra.reduce_precision"(%x) {exponent_bits = 5 : i64, mantissa_bits = 10 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
    %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23,
    %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45 :
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi32>,
    tensor<4xi32>, tensor<4xi32>, tensor<4xi1>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
    tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>,
    tensor<4xcomplex<f32>>, tensor<4xf32>, tensor<4xi32>, tensor<4xcomplex<f32>>, tensor<4xf32>
}

// -----

// The numbers of the positions are the same for all: iota stays as it is, even where the shape it is told is batched.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<8x4x5xf32>, %[[N:[a-z0-9]+]]: tensor<8x2xi64>, {{.*}}) -> (tensor<8x4x5xf32>, tensor<8x4x5xi32>)
// CHECK-NEXT: %[[V0:[a-z0-9]+]] = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xf32>
// CHECK-NEXT: %[[V1:[a-z0-9]+]] = "astra.broadcast"(%[[V0]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xf32>) -> tensor<8x4x5xf32>
// CHECK-NEXT: %[[V2:[a-z0-9]+]] = "astra.multiply"(%[[X]], %[[V1]]) : (tensor<8x4x5xf32>, tensor<8x4x5xf32>) -> tensor<8x4x5xf32>
// CHECK-NEXT: %[[V3:[a-z0-9]+]] = "astra.iota"() {dimension = 0 : i64} : () -> tensor<4x5xi32>
// CHECK-NEXT: %[[V4:[a-z0-9]+]] = "astra.broadcast"(%[[V3]]) {dimensions = array<i64: 1, 2>} : (tensor<4x5xi32>) -> tensor<8x4x5xi32>
// CHECK-NEXT: return %[[V2]], %[[V4]] : tensor<8x4x5xf32>, tensor<8x4x5xi32>
func.func @main(%x: tensor<4x5xf32>, %n: tensor<2xi64>, %a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>)
    -> (tensor<4x5xf32>, tensor<4x5xi32>) {
  %0 = "astra.iota"() {dimension = 1 : i64} : () -> tensor<4x5xf32>
  %1 = "astra.multiply"(%x, %0) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %2 = "astra.iota"(%n) {dimension = 0 : i64} : (tensor<2xi64>) -> tensor<4x5xi32>
  return %1, %2 : tensor<4x5xf32>, tensor<4x5xi32>
}
