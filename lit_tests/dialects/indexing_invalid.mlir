// Malformed operations of this family are refused, each with a message that names what is wrong.
// RUN: %astra-opt %s --verify-diagnostics

func.func @dynamic_slice_1(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<1x3xf16> (C1)}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf16>
  return
}

func.func @dynamic_slice_2(%operand: tensor<4x8xf32>, %i: tensor<i32>) {
  // expected-error@below {{needs 2 start indices, one for each dimension of tensor<4x8xf32>, but has 1 (C2)}}
  %result = "astra.dynamic_slice"(%operand, %i) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>) -> tensor<1x3xf32>
  return
}

func.func @dynamic_slice_3(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{attribute 'slice_sizes' must have 2 values, one for each dimension of the operand, but has 1 (C2)}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
  return
}

func.func @dynamic_slice_4(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i64>) {
  // expected-error@below {{operand 2 must have the element type of operand 1, i32, but is tensor<i64> (C3)}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i64>) -> tensor<1x3xf32>
  return
}

func.func @dynamic_slice_5(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{attribute 'slice_sizes' is 1x9, which does not fit into operand 'operand', tensor<4x8xf32> (C4)}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 9>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x3xf32>
  return
}

func.func @dynamic_slice_6(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{result must have shape 1x3, the slice sizes, but is tensor<1x4xf32> (C5)}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<i32>) -> tensor<1x4xf32>
  return
}

func.func @dynamic_slice_7(%operand: tensor<4x8xf32>, %i: tensor<i32>, %j: tensor<1xi32>) {
  // expected-error@below {{operand 2 must have rank 0, but is tensor<1xi32>}}
  %result = "astra.dynamic_slice"(%operand, %i, %j) {slice_sizes = array<i64: 1, 3>}
      : (tensor<4x8xf32>, tensor<i32>, tensor<1xi32>) -> tensor<1x3xf32>
  return
}

func.func @dynamic_update_slice_1(%operand: tensor<4x8xf32>, %update: tensor<1x3xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{result must have the shape of operand 'operand', 4x8, but is tensor<4x9xf32> (C1)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x9xf32>
  return
}

func.func @dynamic_update_slice_2(%operand: tensor<4x8xf32>, %update: tensor<1x3xf16>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{operand 'update' must have the element type of operand 'operand', f32, but is tensor<1x3xf16> (C2)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x3xf16>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return
}

func.func @dynamic_update_slice_3(%operand: tensor<4x8xf32>, %update: tensor<3xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{operand 'update' must have rank 2, but is tensor<3xf32> (C3)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return
}

func.func @dynamic_update_slice_4(%operand: tensor<4x8xf32>, %update: tensor<1x3xf32>, %i: tensor<i32>) {
  // expected-error@below {{needs 2 start indices, one for each dimension of tensor<4x8xf32>, but has 1 (C4)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i)
      : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>) -> tensor<4x8xf32>
  return
}

func.func @dynamic_update_slice_5(%operand: tensor<4x8xf32>, %update: tensor<1x3xf32>, %i: tensor<i32>, %j: tensor<i64>) {
  // expected-error@below {{operand 3 must have the element type of operand 2, i32, but is tensor<i64> (C5)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x3xf32>, tensor<i32>, tensor<i64>) -> tensor<4x8xf32>
  return
}

func.func @dynamic_update_slice_6(%operand: tensor<4x8xf32>, %update: tensor<1x9xf32>, %i: tensor<i32>, %j: tensor<i32>) {
  // expected-error@below {{operand 'update', tensor<1x9xf32>, does not fit into operand 'operand', tensor<4x8xf32> (C6)}}
  %result = "astra.dynamic_update_slice"(%operand, %update, %i, %j)
      : (tensor<4x8xf32>, tensor<1x9xf32>, tensor<i32>, tensor<i32>) -> tensor<4x8xf32>
  return
}

func.func @gather_1(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{operand 'operand', tensor<4x8xf32>, must have as many dimensions as offset_dims, collapsed_slice_dims and operand_batching_dims together, 3 (C1)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 0, 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_2(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'index_vector_dim' is 3, but must be from 0 to 2, the rank of operand 'start_indices' (C2)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 3 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_3(%operand: tensor<4x8xf32>, %start_indices: tensor<5x2xi32>) {
  // expected-error@below {{attribute 'start_index_map' has 1 values, but operand 'start_indices', tensor<5x2xi32>, has index vectors of 2 (C3)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x2xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_4(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'offset_dims' must be increasing, but is [1, 0] (C4)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1, 0>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_5(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'offset_dims' has 2, which is not a dimension of the result, of rank 2 (C5)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 2>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_6(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'collapsed_slice_dims + operand_batching_dims' repeats a dimension: [0, 0] (C6)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 0>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_7(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'collapsed_slice_dims' has 2, which is not a dimension of operand 'operand', of rank 2 (C8)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 2>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_8(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'slice_sizes' must be 1 in dimension 0, not 2 (C9)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 2, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_9(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'operand_batching_dims' has 5, which is not a dimension of operand 'operand', of rank 2 (C11)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 5>,
       start_indices_batching_dims = array<i64: 0>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_10(%operand: tensor<4x8xf32>, %start_indices: tensor<4x1xi32>) {
  // expected-error@below {{attribute 'slice_sizes' must be 1 in dimension 0, not 2 (C12)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 0>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 2, 8>}
      : (tensor<4x8xf32>, tensor<4x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_11(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'start_indices_batching_dims' has 2, which is not a dimension of operand 'start_indices', of rank 2 (C14)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 2>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_12(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'start_indices_batching_dims' has the index_vector_dim, 1 (C15)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 1>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_13(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attributes 'operand_batching_dims' and 'start_indices_batching_dims' must have one length, but have 1 and 0 (C16)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_14(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{batching dimension 0 of operand 'operand', tensor<4x8xf32>, and 0 of operand 'start_indices', tensor<5x1xi32>, differ in size (C17)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 0>, start_index_map = array<i64: 1>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_15(%operand: tensor<4x8xf32>, %start_indices: tensor<4x1xi32>) {
  // expected-error@below {{attribute 'start_index_map + operand_batching_dims' repeats a dimension: [0, 0] (C18)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64>, operand_batching_dims = array<i64: 0>,
       start_indices_batching_dims = array<i64: 0>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<4x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_16(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'start_index_map' has 2, which is not a dimension of operand 'operand', of rank 2 (C19)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 2>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_17(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'slice_sizes' must have 2 values, one for each dimension of the operand, but has 1 (C20)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_18(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{attribute 'slice_sizes' is 1x9, which does not fit into operand 'operand', tensor<4x8xf32> (C21)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 9>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @gather_19(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{result must have shape 5x8, that of the gathered slices, but is tensor<5x7xf32> (C22)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x7xf32>
  return
}

func.func @gather_20(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{result must have the element type of operand 'operand', f32, but is tensor<5x8xf16> (C23)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf16>
  return
}

func.func @gather_21(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xf32>) {
  // expected-error@below {{operand 'start_indices' must have integer elements, but is tensor<5x1xf32>}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xf32>) -> tensor<5x8xf32>
  return
}

func.func @gather_22(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{requires attribute 'slice_sizes' (array of i64)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8xf32>
  return
}

func.func @scatter_1(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{operand 0, tensor<4x8xf32>, must have as many dimensions as update_window_dims, inserted_window_dims and input_batching_dims together, 3 (C2)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 0, 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_2(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<6x8xf32>) {
  // expected-error@below {{operand 2 must have shape 5x8, that of the indices and windows, but is tensor<6x8xf32> (C4)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<6x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_3(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x9xf32>) {
  // expected-error@below {{dimension 1 of the updates, tensor<5x9xf32>, exceeds the dimension of operand 0, tensor<4x8xf32>, that it is written to (C4)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x9xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_4(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>) {
  // expected-error@below {{expects n inputs, the indices, n updates and n results, but has 2 operands and 1 results (C5)}}
  %result = "astra.scatter"(%input, %scatter_indices) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_5(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf16>) {
  // expected-error@below {{operand 2 must have the element type of operand 0, f32, but is tensor<5x8xf16> (C6)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf16>) -> tensor<4x8xf32>
  return
}

func.func @scatter_6(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'update_window_dims' has 2, which is not a dimension of the updates, of rank 2 (C8)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 2>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_7(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'inserted_window_dims' has 2, which is not a dimension of operand 0, of rank 2 (C11)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 2>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_8(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x2xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'scatter_dims_to_operand_dims' has 1 values, but the indices, tensor<5x2xi32>, have index vectors of 2 (C19)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x2xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_9(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'scatter_dims_to_operand_dims' has 2, which is not a dimension of operand 0, of rank 2 (C21)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 2>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_10(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'index_vector_dim' is 3, but must be from 0 to 2, the rank of the indices (C22)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 3 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_11(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'scatter_indices_batching_dims' has the index_vector_dim, 1 (C16)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64>, input_batching_dims = array<i64: 0>,
       scatter_indices_batching_dims = array<i64: 1>, scatter_dims_to_operand_dims = array<i64: 1>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_12(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attributes 'input_batching_dims' and 'scatter_indices_batching_dims' must have one length, but have 1 and 0 (C17)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64>, input_batching_dims = array<i64: 0>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 1>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_13(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{batching dimension 0 of operand 0, tensor<4x8xf32>, and 0 of operand 1, tensor<5x1xi32>, differ in size (C18)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64>, input_batching_dims = array<i64: 0>,
       scatter_indices_batching_dims = array<i64: 0>, scatter_dims_to_operand_dims = array<i64: 1>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_14(%input: tensor<4x8xf32>, %scatter_indices: tensor<4x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'scatter_dims_to_operand_dims + input_batching_dims' repeats a dimension: [0, 0] (C20)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64>, input_batching_dims = array<i64: 0>,
       scatter_indices_batching_dims = array<i64: 0>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<4x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_15(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{the update region must not be empty (C23)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "custom"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_16(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{result 0 must have the shape of operand 0, 4x8, but is tensor<4x9xf32> (C24)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x9xf32>
  return
}

func.func @scatter_17(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{result 0 cannot hold the elements of tensor<4x8xf32>: it is tensor<4x8xf16> (C25)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf16>
  return
}

func.func @scatter_18(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{attribute 'kind' must be one of update, add, multiply, maximum, minimum, custom, but is 'subtract'}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "subtract"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>) -> tensor<4x8xf32>
  return
}

func.func @gather_23(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>, %a: tensor<2xi64>, %b: tensor<2xi64>) {
  // expected-error@below {{expects 2 or 3 operands, but has 4}}
  %rows = "astra.gather"(%operand, %start_indices, %a, %b)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<2xi64>, tensor<2xi64>) -> tensor<5x8xf32>
  return
}

func.func @gather_24(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>, %sizes: tensor<3xi64>) {
  // expected-error@below {{operand 2 must be a vector of 2 integers, one for each dimension of the operand, but is tensor<3xi64>}}
  %rows = "astra.gather"(%operand, %start_indices, %sizes)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<3xi64>) -> tensor<5x8xf32>
  return
}

func.func @gather_25(%operand: tensor<4x8xf32>, %start_indices: tensor<5x1xi32>) {
  // expected-error@below {{result must have rank 2, but is tensor<5x8x1xf32> (C22)}}
  %rows = "astra.gather"(%operand, %start_indices)
      {offset_dims = array<i64: 1>, collapsed_slice_dims = array<i64: 0>, operand_batching_dims = array<i64>,
       start_indices_batching_dims = array<i64>, start_index_map = array<i64: 0>, index_vector_dim = 1 : i64,
       slice_sizes = array<i64: 1, 8>}
      : (tensor<4x8xf32>, tensor<5x1xi32>) -> tensor<5x8x1xf32>
  return
}

func.func @scatter_19(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8x1xf32>) {
  // expected-error@below {{the updates must have rank 2, but are tensor<5x8x1xf32> (C4)}}
  %result = "astra.scatter"(%input, %scatter_indices, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8x1xf32>) -> tensor<4x8xf32>
  return
}

func.func @scatter_20(%input: tensor<4x8xf32>, %scatter_indices: tensor<5x1xi32>, %updates: tensor<5x8xf32>) {
  // expected-error@below {{kind 'add' takes 1 input, but there are 2}}
  %result:2 = "astra.scatter"(%input, %input, %scatter_indices, %updates, %updates) ({})
      {update_window_dims = array<i64: 1>, inserted_window_dims = array<i64: 0>, input_batching_dims = array<i64>,
       scatter_indices_batching_dims = array<i64>, scatter_dims_to_operand_dims = array<i64: 0>,
       index_vector_dim = 1 : i64, kind = "add"}
      : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<5x1xi32>, tensor<5x8xf32>, tensor<5x8xf32>)
      -> (tensor<4x8xf32>, tensor<4x8xf32>)
  return
}
