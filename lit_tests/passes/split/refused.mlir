// RUN: not %astra-opt %s --astra-split="fn=f late=0 results=1" 2>&1 | %filecheck %s
// CHECK: result 0 depends on an argument that only the second part has
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "astra.erf"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
