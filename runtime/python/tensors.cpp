#include "tensors.h"

#include <cstdlib>

namespace astra::python {

TorchHooks torch;

namespace {

constexpr int32_t kCpu = 1;
constexpr uint32_t kMajorVersion = 1;

// DLPackVersion and DLPackExchangeAPI.
struct Version {
  uint32_t major, minor;
};
struct ExchangeTable {
  Version version;
  ExchangeTable *older;
  void *allocate;
  void *managed_from;
  int (*tensor_from)(void *managed, void **tensor);
  int (*view_of)(void *tensor, TensorView *view);
  int (*current_stream)(int device_type, int32_t device, void **stream);
};

// DLManagedTensorVersioned, with what it points to.
struct Managed {
  Version version;
  void *context;
  void (*release)(Managed *self);
  uint64_t flags;
  TensorView view;
  int64_t sizes[1];  // shape, then strides

  static Managed *make(int rank) {
    return static_cast<Managed *>(std::calloc(1, sizeof(Managed) + 2 * sizeof(int64_t) * static_cast<size_t>(rank)));
  }
};

// PyTorch frees tensors on any thread, with and without the interpreter's lock, and after the interpreter.
void release(Managed *managed) {
  if (Py_IsInitialized()) {
    const PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF(static_cast<PyObject *>(managed->context));
    PyGILState_Release(state);
  }
  std::free(managed);
}

bool dense(const TensorView &view) {
  if (view.strides == nullptr) return true;
  int64_t expected = 1;
  bool follows = true;
  for (int32_t i = view.rank - 1; i >= 0; --i) {
    if (view.shape[i] == 0) return true;
    follows = follows && (view.shape[i] == 1 || view.strides[i] == expected);
    expected *= view.shape[i];
  }
  return follows;
}

bool view_of(PyObject *tensor, TensorView &view) {
  if (torch.view_of(tensor, &view) == 0) return view.device_type == kCpu;
  PyErr_Clear();
  return false;
}

// Whether a method says no; false when it says yes or fails.
bool is_not(PyObject *tensor, PyObject *method) {
  const Ref answer(PyObject_CallMethodNoArgs(tensor, method));
  if (!answer) PyErr_Clear();
  return answer.get() == Py_False;
}

}  // namespace

bool look_at_tensor(PyObject *tensor, TensorView &view) {
  static PyObject *const is_conj = PyUnicode_InternFromString("is_conj"), *const is_neg = PyUnicode_InternFromString("is_neg");
  return view_of(tensor, view) && is_not(tensor, is_neg) && is_not(tensor, is_conj);
}

void *elements_of_tensor(PyObject *tensor, const Spec &spec, ElementType type, bool looked_at) {
  // An empty tensor has no address, and compiled code needs none.
  alignas(ASTRA_ALIGNMENT) static char nothing[ASTRA_ALIGNMENT];
  TensorView view;
  if (!(looked_at ? view_of(tensor, view) : look_at_tensor(tensor, view))) return nullptr;
  if (view.rank != spec.rank() || !(view.type == type)) return nullptr;
  for (int i = 0; i < spec.rank(); ++i)
    if (view.shape[i] != spec.shape[i]) return nullptr;
  if (!dense(view)) return nullptr;
  return spec.bytes == 0 ? nothing : static_cast<char *>(view.data) + view.byte_offset;
}

PyObject *to_tensor(ElementType type, PyObject *array) {
  auto *const numpy = reinterpret_cast<PyArrayObject *>(array);
  const int rank = PyArray_NDIM(numpy);
  Managed *const managed = Managed::make(rank);
  if (managed == nullptr) return PyErr_NoMemory();
  managed->version = {kMajorVersion, 0};
  managed->context = Py_NewRef(array);
  managed->release = release;
  managed->view = {PyArray_DATA(numpy), kCpu, 0, rank, type, managed->sizes, managed->sizes + rank, 0};
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    managed->sizes[i] = PyArray_DIM(numpy, i);
    managed->sizes[rank + i] = stride;
    stride *= managed->sizes[i] > 0 ? managed->sizes[i] : 1;
  }
  void *tensor = nullptr;
  if (torch.tensor_from(managed, &tensor) == 0) return static_cast<PyObject *>(tensor);
  release(managed);
  return nullptr;
}

PyObject *element_type(PyObject *, PyObject *tensor) {
  TensorView view;
  if (!is_tensor(tensor) || torch.view_of(tensor, &view) != 0) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "expected a tensor");
    return nullptr;
  }
  return Py_BuildValue("ii", view.type.code, view.type.bits);
}

PyObject *use_torch(PyObject *, PyObject *arguments) {
  PyObject *tensor_type = nullptr, *parameter_type = nullptr, *capsule = nullptr, *settings = nullptr;
  if (!PyArg_ParseTuple(arguments, "O!O!OO", &PyType_Type, &tensor_type, &PyType_Type, &parameter_type, &capsule, &settings))
    return nullptr;
  auto *table = static_cast<ExchangeTable *>(PyCapsule_GetPointer(capsule, "dlpack_exchange_api"));
  while (table != nullptr && table->version.major != kMajorVersion) table = table->older;
  if (table == nullptr || table->view_of == nullptr || table->tensor_from == nullptr) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ImportError, "PyTorch's DLPack table has no version 1");
    return nullptr;
  }
  torch = {reinterpret_cast<PyTypeObject *>(Py_NewRef(tensor_type)), reinterpret_cast<PyTypeObject *>(Py_NewRef(parameter_type)),
           table->view_of, table->tensor_from, table->current_stream, Py_NewRef(settings)};
  Py_RETURN_NONE;
}

}  // namespace astra::python
