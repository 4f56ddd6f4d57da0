// PyTorch's tensors at the border, through DLPack's table for exchange: where their elements are, and results as tensors.
//
// The layouts follow DLPack 1.3 (dmlc.github.io/dlpack, "C Exchange API"), which are stable for a major version; PyTorch
// hands out the table as `torch.Tensor.__dlpack_c_exchange_api__`.
#pragma once

#include "arrays.h"

namespace astra::python {

struct ElementType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
  bool operator==(const ElementType &other) const {
    return code == other.code && bits == other.bits && lanes == other.lanes;
  }
};

// DLTensor.
struct TensorView {
  void *data;
  int32_t device_type, device_number;
  int32_t rank;
  ElementType type;
  int64_t *shape;
  int64_t *strides;  // in elements; may be null
  uint64_t byte_offset;
};

// What of PyTorch the call path uses; from `use_torch`.  Null while PyTorch is not loaded.
struct TorchHooks {
  PyTypeObject *tensor_type = nullptr;
  PyTypeObject *parameter_type = nullptr;
  int (*view_of)(void *tensor, TensorView *view) = nullptr;
  int (*tensor_from)(void *managed, void **tensor) = nullptr;
  int (*current_stream)(int device_type, int32_t device, void **stream) = nullptr;  // null if the table has none
  PyObject *settings = nullptr;  // gives what decides, besides the arguments, which program runs; None: ask Python
};
extern TorchHooks torch;

inline bool is_tensor(PyObject *object) {
  PyTypeObject *const type = Py_TYPE(object);
  return torch.tensor_type != nullptr && (type == torch.tensor_type || type == torch.parameter_type);
}

// Whether the elements of a tensor are numbers in this process's memory as they stand, not to be conjugated or negated
// when they are read; the view holds while the tensor lives and is not changed.  Leaves no exception.
bool look_at_tensor(PyObject *tensor, TensorView &view);

// Where the elements of a tensor are if they have this type and the spec's shape, one after the other; null, without an
// exception, otherwise.  `looked_at` says that look_at_tensor has been asked.
void *elements_of_tensor(PyObject *tensor, const Spec &spec, ElementType type, bool looked_at);

// A tensor of this element type over the memory of `array`, which it keeps; null with an exception set.
PyObject *to_tensor(ElementType type, PyObject *array);

// element_type(tensor): the code and bits of its elements.
PyObject *element_type(PyObject *module, PyObject *tensor);

// use_torch(tensor_type, parameter_type, table, settings)
PyObject *use_torch(PyObject *module, PyObject *arguments);

}  // namespace astra::python
