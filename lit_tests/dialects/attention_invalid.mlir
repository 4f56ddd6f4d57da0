// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @attention_1(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{attribute 'subscripts' must be 'q,k,v->result,logsumexp'}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_2(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{must have one dimension of keys, but has '' (C1)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bqhd,bqhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_3(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{'bqhd' must have 'bhqe' (C2)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhd,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_4(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{'beqh' must end in 'e' (C2)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->beqh,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_5(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x16xi8>) {
  // expected-error@below {{'bd' has a dimension that scores do not have (C3)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2, %a3) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, mask = "bd"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x16xi8>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_6(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{attribute 'causal' must be a letter of queries and that of keys, but is 'kq' (C4)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, causal = "kq"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_7(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{attribute 'offset' must not be negative (C4)}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, causal = "qk", offset = -1 : i64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_8(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8xi8>) {
  // expected-error@below {{has 1 modifiers, but attributes 'mask' and 'bias' name 0}}
  %r:2 = "astra.attention"(%a0, %a1, %a2, %a3) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8xi8>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_9(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x16xf32>) {
  // expected-error@below {{operand 'value' must have a dimension for each of 'bkhe', but is tensor<2x8x16xf32>}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_10(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x8xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{dimension 'd' has size 16, but operand 'key' is tensor<2x8x4x8xf32>}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x8xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_11(%a0: tensor<2x8x4x16xi32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>) {
  // expected-error@below {{operand 'query' must have floating-point elements, but is tensor<2x8x4x16xi32>}}
  %r:2 = "astra.attention"(%a0, %a1, %a2) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64}
      : (tensor<2x8x4x16xi32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x4x8xf32>)
  return
}

func.func @attention_12(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8x4x16xf32>, %a4: tensor<2x4x8xf32>, %a5: tensor<2x8x4x16xf32>) {
  // expected-error@below {{attribute 'gradients' must name three results}}
  %r:3 = "astra.attention_gradient"(%a0, %a1, %a2, %a3, %a4, %a5) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, gradients = "bqhd,bkhd"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x4x8xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>)
  return
}

func.func @attention_13(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8x4x16xf32>, %a4: tensor<2x4x8xf32>, %a5: tensor<2x8x4x16xf32>) {
  // expected-error@below {{the gradient 'bkhe' must have the dimensions 'bkhd' (C2)}}
  %r:3 = "astra.attention_gradient"(%a0, %a1, %a2, %a3, %a4, %a5) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, gradients = "bqhd,bkhe,bkhe"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x4x8xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>)
  return
}

func.func @attention_14(%a0: tensor<2x8x4x16xf32>, %a1: tensor<2x8x4x16xf32>, %a2: tensor<2x8x4x16xf32>, %a3: tensor<2x8x4x16xf32>, %a4: tensor<2x4x8xf32>, %a5: tensor<2x8x4x16xf32>) {
  // expected-error@below {{the gradient 'bqdh' must not end in 'h' (C2)}}
  %r:3 = "astra.attention_gradient"(%a0, %a1, %a2, %a3, %a4, %a5) {subscripts = "bqhd,bkhd,bkhe->bqhe,bhq", scale = 0.25 : f64, fill = 0.0 : f64, gradients = "bqdh,bkhd,bkhe"}
      : (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x4x8xf32>, tensor<2x8x4x16xf32>) -> (tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>, tensor<2x8x4x16xf32>)
  return
}
