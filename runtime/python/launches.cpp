// The type `Launches`: launches of one kernel (`@astra.kernel`) on arrays in a GPU's memory.
//
// The arguments are read into the places that a launch takes them from, and into a key: what kind each is, which
// pointers and numbers are multiples of 16, the constants, the device.  A key that is known names a kernel of a module;
// one that is not goes back to Python (kernels/gpu.py), which compiles and tells us (`add`).  What is no device array of
// a kind that is read here is left to Python, too, which hands pointers in as tuples.
#include "launches.h"

#include <cstring>
#include <limits>
#include <memory>

#include "tensors.h"

namespace astra::python {

namespace {

constexpr int kCuda = 2;  // kDLCUDA
constexpr size_t kAligned = 16;
constexpr int64_t kNoStream = -1;

// DLPack's codes of types.
enum Code : uint8_t { kInt = 0, kUnsigned = 1, kFloat = 2, kComplex = 5, kBool = 6 };

// One argument's part of a key.
struct Kind {
  enum What : uint8_t { kPointer = 'p', kNumber = 'n', kConstant = 'c' };
  uint8_t what, code, bits, known;  // known: it is 1; it is a multiple of 16
};

struct Parameter {
  Ref name, fallback;  // fallback: null if a value must be given
  bool constant;
};

// A global or enclosing variable that the kernel's source names: the code counts on its value.
struct Watched {
  Ref scope, name, value;  // a dictionary and a key, or a cell
  bool holds() const {
    PyObject *const now = PyDict_CheckExact(scope.get()) ? PyDict_GetItemWithError(scope.get(), name.get()) : PyCell_GET(scope.get());
    return now == value.get();
  }
};

struct Entry {
  astra_gpu_module *module;
  int64_t kernel;
  std::vector<char> written;  // by the number of the parameter
  std::vector<Watched> watched;
  Ref kept;
};

struct Data {
  std::vector<Parameter> parameters;
  Ref check;  // raises the error of a status
  Ref known;  // keys to capsules of entries
  bool has_stream = false;  // as a parameter
};

struct Object {
  PyObject_HEAD
  Data *data;
};

Object &of(PyObject *self) { return *reinterpret_cast<Object *>(self); }

struct Names {
  PyObject *num_warps = PyUnicode_InternFromString("num_warps"), *num_stages = PyUnicode_InternFromString("num_stages"),
           *stream = PyUnicode_InternFromString("stream"), *interface = PyUnicode_InternFromString("__cuda_array_interface__"),
           *data = PyUnicode_InternFromString("data"), *typestr = PyUnicode_InternFromString("typestr"),
           *mask = PyUnicode_InternFromString("mask"), *version = PyUnicode_InternFromString("version"),
           *cuda_stream = PyUnicode_InternFromString("cuda_stream"), *ptr = PyUnicode_InternFromString("ptr"),
           *protocol = PyUnicode_InternFromString("__cuda_stream__");
};
const Names &names() {
  static const Names made;
  return made;
}

// What a launch is made of.
struct Launch {
  SmallVector<uint64_t, 32> values;
  SmallVector<void *, 32> places;
  SmallVector<Kind, 32> kinds;
  SmallVector<PyObject *, 16> constants;  // borrowed; their types are told apart by their addresses in `types`
  SmallVector<uint64_t, 16> types;
  SmallVector<size_t, 16> read_only;  // parameters
  SmallVector<int64_t, 16> streams;   // that arrays were made on
  int64_t device = -1;
  bool tensors = false;
};

bool number(PyObject *value, int64_t &result) {
  if (value == nullptr || !PyLong_Check(value)) return false;
  int overflow = 0;
  result = PyLong_AsLongLongAndOverflow(value, &overflow);
  return overflow == 0;
}

bool address_in(PyObject *value, uint64_t &result) {
  if (value == nullptr || !PyLong_Check(value)) return false;
  result = PyLong_AsUnsignedLongLong(value);
  if (result != std::numeric_limits<uint64_t>::max() || !PyErr_Occurred()) return true;
  PyErr_Clear();
  return false;
}

bool add_pointer(Launch &launch, uint64_t address, uint8_t code, uint8_t bits, int64_t device) {
  if (launch.device >= 0 && device >= 0 && launch.device != device) return false;
  if (launch.device < 0) launch.device = device;
  launch.kinds.push_back({Kind::kPointer, code, bits, static_cast<uint8_t>(address % kAligned == 0 ? kAligned : 0)});
  launch.values.push_back(address);
  return true;
}

bool add_tensor(Launch &launch, PyObject *value) {
  TensorView view;
  if (torch.view_of(value, &view) != 0) {
    PyErr_Clear();
    return false;
  }
  if (view.device_type != kCuda || view.type.lanes != 1) return false;
  launch.tensors = true;
  return add_pointer(launch, reinterpret_cast<uint64_t>(view.data) + view.byte_offset, view.type.code, view.type.bits,
                     view.device_number);
}

// A pointer as Python hands it in: (address, code, bits, device, stream, whether it is read-only).
bool add_described(Launch &launch, PyObject *value, size_t parameter) {
  uint64_t address = 0;
  int64_t code = 0, bits = 0, device = 0, stream = 0;
  if (PyTuple_GET_SIZE(value) != 6 || !address_in(PyTuple_GET_ITEM(value, 0), address) || !number(PyTuple_GET_ITEM(value, 1), code) ||
      !number(PyTuple_GET_ITEM(value, 2), bits) || !number(PyTuple_GET_ITEM(value, 3), device) ||
      !number(PyTuple_GET_ITEM(value, 4), stream))
    return false;
  if (PyTuple_GET_ITEM(value, 5) == Py_True) launch.read_only.push_back(parameter);
  if (stream != kNoStream) launch.streams.push_back(stream);
  return add_pointer(launch, address, static_cast<uint8_t>(code), static_cast<uint8_t>(bits), device);
}

// "<f4" as DLPack says it.
bool element_of_text(PyObject *text, uint8_t &code, uint8_t &bits) {
  if (text == nullptr || !PyUnicode_Check(text)) return false;
  Py_ssize_t size = 0;
  const char *const chars = PyUnicode_AsUTF8AndSize(text, &size);
  if (chars == nullptr || size != 3 || (chars[0] != '<' && chars[0] != '|') || chars[2] < '1' || chars[2] > '8') return false;
  const char *const kinds = "iuf", *const found = std::strchr(kinds, chars[1]);
  if (found == nullptr && chars[1] != 'b') return false;
  code = chars[1] == 'b' ? static_cast<uint8_t>(kBool) : static_cast<uint8_t>(found - kinds);
  bits = static_cast<uint8_t>(8 * (chars[2] - '0'));
  return true;
}

// An array by its `__cuda_array_interface__`, version 3.
bool add_interface(Launch &launch, PyObject *value, size_t parameter) {
  const Ref found(PyObject_GetAttr(value, names().interface));
  if (!found) PyErr_Clear();
  if (!found || !PyDict_Check(found.get())) return false;
  PyObject *const table = found.get(), *const data = PyDict_GetItem(table, names().data), *const mask = PyDict_GetItem(table, names().mask);
  uint8_t code = 0, bits = 0;
  uint64_t address = 0;
  int64_t version = 0, stream = 0, device = -1;
  if (data == nullptr || !PyTuple_Check(data) || PyTuple_GET_SIZE(data) != 2 || !address_in(PyTuple_GET_ITEM(data, 0), address) ||
      !element_of_text(PyDict_GetItem(table, names().typestr), code, bits) || (mask != nullptr && mask != Py_None) ||
      !number(PyDict_GetItem(table, names().version), version) || version < 3)
    return false;
  PyObject *const on = PyDict_GetItem(table, names().stream);
  if (on != nullptr && on != Py_None) {
    if (!number(on, stream) || stream == 0) return false;
    launch.streams.push_back(stream);
  }
  if (address != 0 && hooks.api->gpu_pointer_device(reinterpret_cast<void *>(address), &device) != ASTRA_OK) return false;
  if (PyTuple_GET_ITEM(data, 1) == Py_True) launch.read_only.push_back(parameter);
  return add_pointer(launch, address, code, bits, device);
}

bool add_scalar(Launch &launch, PyObject *value) {
  const Ref described(reinterpret_cast<PyObject *>(PyArray_DescrFromScalar(value)));
  if (!described) {
    PyErr_Clear();
    return false;
  }
  auto *const descr = reinterpret_cast<PyArray_Descr *>(described.get());
  const npy_intp size = PyDataType_ELSIZE(descr);
  const char *const kinds = "iuf", *const found = std::strchr(kinds, descr->kind);
  if (descr->type_num >= NPY_NTYPES_LEGACY || size > 8 || (found == nullptr && descr->kind != 'b')) return false;
  uint64_t bits = 0;
  PyArray_ScalarAsCtype(value, &bits);
  const uint8_t code = descr->kind == 'b' ? static_cast<uint8_t>(kBool) : static_cast<uint8_t>(found - kinds);
  launch.kinds.push_back({Kind::kNumber, code, static_cast<uint8_t>(8 * size), 0});
  launch.values.push_back(bits);
  return true;
}

// False, with nothing raised, for what Python has to look at.
bool add_argument(Launch &launch, PyObject *value, size_t parameter) {
  if (is_tensor(value)) return add_tensor(launch, value);
  if (PyBool_Check(value)) {
    launch.kinds.push_back({Kind::kNumber, kBool, 8, 0});
    launch.values.push_back(value == Py_True);
    return true;
  }
  if (PyLong_CheckExact(value)) {
    int64_t given = 0;
    if (!number(value, given)) return false;
    const bool narrow = given == static_cast<int32_t>(given);
    const uint8_t known = given == 1 ? 1 : given % static_cast<int64_t>(kAligned) == 0 ? kAligned : 0;
    launch.kinds.push_back({Kind::kNumber, kInt, static_cast<uint8_t>(narrow ? 32 : 64), known});
    launch.values.push_back(static_cast<uint64_t>(given));
    return true;
  }
  if (PyFloat_CheckExact(value)) {
    const auto given = static_cast<float>(PyFloat_AS_DOUBLE(value));
    uint64_t bits = 0;
    std::memcpy(&bits, &given, sizeof given);
    launch.kinds.push_back({Kind::kNumber, kFloat, 32, 0});
    launch.values.push_back(bits);
    return true;
  }
  if (PyTuple_CheckExact(value)) return add_described(launch, value, parameter);
  if (PyArray_Check(value) || Py_TYPE(value) == jax.array_type) return false;
  if (PyArray_IsScalar(value, Generic)) return add_scalar(launch, value);
  return add_interface(launch, value, parameter);
}

void add_constant(Launch &launch, PyObject *value) {
  launch.kinds.push_back({Kind::kConstant, 0, 0, 0});
  launch.constants.push_back(value);
  launch.types.push_back(reinterpret_cast<uint64_t>(Py_TYPE(value)));
  if (!PyFloat_CheckExact(value)) return;
  const double given = PyFloat_AS_DOUBLE(value);  // 0.0 and -0.0 are equal and not the same
  uint64_t bits = 0;
  std::memcpy(&bits, &given, sizeof given);
  launch.types.push_back(bits);
}

PyObject *key_of(Launch &launch, PyObject *num_warps, PyObject *num_stages) {
  const size_t kinds = launch.kinds.size() * sizeof(Kind), types = launch.types.size() * sizeof(uint64_t);
  Ref described(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(kinds + types)));
  Ref device(PyLong_FromLongLong(launch.device));
  Ref key(PyTuple_New(static_cast<Py_ssize_t>(4 + launch.constants.size())));
  if (!described || !device || !key) return nullptr;
  char *const bytes = PyBytes_AS_STRING(described.get());
  std::memcpy(bytes, launch.kinds.data(), kinds);
  std::memcpy(bytes + kinds, launch.types.data(), types);
  Py_ssize_t at = 0;
  PyTuple_SET_ITEM(key.get(), at++, described.release());
  PyTuple_SET_ITEM(key.get(), at++, device.release());
  PyTuple_SET_ITEM(key.get(), at++, Py_NewRef(num_warps != nullptr ? num_warps : Py_None));
  PyTuple_SET_ITEM(key.get(), at++, Py_NewRef(num_stages != nullptr ? num_stages : Py_None));
  for (PyObject *constant : launch.constants) PyTuple_SET_ITEM(key.get(), at++, Py_NewRef(constant));
  return key.release();
}

// A stream as callers name it: its address, PyTorch's or CuPy's object, or one that says it by `__cuda_stream__`.
bool stream_of(PyObject *given, int64_t &stream) {
  if (number(given, stream)) return true;
  for (PyObject *name : {names().cuda_stream, names().ptr}) {
    const Ref found(PyObject_GetAttr(given, name));
    if (found && number(found.get(), stream)) return true;
    PyErr_Clear();
  }
  const Ref pair(PyObject_CallMethodNoArgs(given, names().protocol));
  PyErr_Clear();
  return pair && PyTuple_Check(pair.get()) && PyTuple_GET_SIZE(pair.get()) == 2 && number(PyTuple_GET_ITEM(pair.get(), 1), stream);
}

// 0 and 1 are both the legacy default stream.
void *handle_of(int64_t stream) { return stream == 1 ? nullptr : reinterpret_cast<void *>(stream); }

// Streams that arrays were made on, and go on to be used on: the launch waits for them, and they for it.
bool order_with(const Data &data, const Launch &launch, void *stream, bool launched) {
  for (const int64_t other : launch.streams) {
    void *const theirs = handle_of(other);
    if (theirs == stream) continue;
    const astra_status status = hooks.api->gpu_order(launch.device, launched ? stream : theirs, launched ? theirs : stream);
    if (status == ASTRA_OK) continue;
    const Ref raised(PyObject_CallFunction(data.check.get(), "i", static_cast<int>(status)));
    return false;
  }
  return true;
}

// The stream to launch on: the one given, else the current one of the arrays' framework; false with an exception set.
bool choose_stream(const Data &data, Launch &launch, PyObject *given, void *&stream) {
  int64_t chosen = 0;
  if (given != nullptr && given != Py_None) {
    if (!stream_of(given, chosen)) {
      PyErr_Format(PyExc_TypeError, "stream: expected an address or a stream of PyTorch or CuPy, not %.100s", Py_TYPE(given)->tp_name);
      return false;
    }
    stream = handle_of(chosen);
  } else if (launch.tensors && torch.current_stream != nullptr) {
    if (torch.current_stream(kCuda, static_cast<int32_t>(launch.device), &stream) != 0) {
      if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "PyTorch does not say what its current stream is");
      return false;
    }
  } else {
    stream = launch.streams.size() > 0 ? handle_of(launch.streams[0]) : nullptr;
  }
  return order_with(data, launch, stream, false);
}

// The three sizes of a grid; false, with or without an exception, for what is none.
bool sizes_of(PyObject *grid, int64_t *sizes) {
  sizes[0] = sizes[1] = sizes[2] = 1;
  if (PyLong_Check(grid)) return number(grid, sizes[0]) && sizes[0] >= 0;
  if (!PyTuple_Check(grid) && !PyList_Check(grid)) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(grid);
  if (count < 1 || count > 3) return false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Ref size(PyNumber_Index(PySequence_Fast_GET_ITEM(grid, i)));
    if (!size || !number(size.get(), sizes[i]) || sizes[i] < 0) {
      PyErr_Clear();
      return false;
    }
  }
  return true;
}

const Entry *entry_of(const Data &data, PyObject *key) {
  PyObject *const capsule = PyDict_GetItemWithError(data.known.get(), key);
  if (capsule == nullptr) return nullptr;
  const auto *const entry = static_cast<const Entry *>(PyCapsule_GetPointer(capsule, nullptr));
  for (const Watched &watched : entry->watched)
    if (!watched.holds()) return nullptr;
  return entry;
}

// launch(grid, args, kwargs): True if it was launched, the key if the kernel is not known, False for Python to look at.
PyObject *launch_kernel(PyObject *self, PyObject *const *given, Py_ssize_t count) {
  const Data &data = *of(self).data;
  if (count != 3 || !PyTuple_Check(given[1]) || !PyDict_Check(given[2])) {
    PyErr_SetString(PyExc_TypeError, "expected a grid, a tuple and a dictionary");
    return nullptr;
  }
  PyObject *grid = given[0], *const positional = given[1], *const keywords = given[2];
  const auto num_positional = static_cast<size_t>(PyTuple_GET_SIZE(positional));
  if (num_positional > data.parameters.size()) Py_RETURN_FALSE;
  Launch launch;
  Py_ssize_t used = 0;
  auto keyword = [&](PyObject *name) {
    PyObject *const value = PyDict_GET_SIZE(keywords) > 0 ? PyDict_GetItemWithError(keywords, name) : nullptr;
    used += value != nullptr;
    return value;
  };
  SmallVector<PyObject *, 32> arguments;
  for (size_t i = 0; i < data.parameters.size(); ++i) {
    const Parameter &parameter = data.parameters[i];
    PyObject *value = i < num_positional ? PyTuple_GET_ITEM(positional, static_cast<Py_ssize_t>(i)) : keyword(parameter.name.get());
    if (value == nullptr) value = parameter.fallback.get();
    if (value == nullptr) Py_RETURN_FALSE;
    arguments.push_back(value);
    if (parameter.constant || value == Py_None) add_constant(launch, value);
    else if (!add_argument(launch, value, i)) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_False);
  }
  PyObject *const num_warps = keyword(names().num_warps), *const num_stages = keyword(names().num_stages),
           *const stream_given = data.has_stream ? nullptr : keyword(names().stream);
  if (used != PyDict_GET_SIZE(keywords) || launch.device < 0) Py_RETURN_FALSE;

  Ref key(key_of(launch, num_warps, num_stages));
  if (!key) return nullptr;
  const Entry *const entry = entry_of(data, key.get());
  if (entry == nullptr) {
    if (!PyErr_Occurred()) return key.release();
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) return nullptr;
    PyErr_Clear();  // a constant without a hash
    Py_RETURN_FALSE;
  }
  for (const size_t parameter : launch.read_only)
    if (entry->written[parameter] != 0) Py_RETURN_FALSE;

  Ref made;
  if (PyCallable_Check(grid)) {
    const Ref meta(PyDict_New());
    if (!meta) return nullptr;
    for (size_t i = 0; i < arguments.size(); ++i)
      if (PyDict_SetItem(meta.get(), data.parameters[i].name.get(), arguments[i]) < 0) return nullptr;
    made = Ref(PyObject_CallOneArg(grid, meta.get()));
    if (!made) return nullptr;
    grid = made.get();
  }
  int64_t sizes[3];
  if (!sizes_of(grid, sizes)) return PyErr_Occurred() ? nullptr : Py_NewRef(Py_False);
  if (sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0) Py_RETURN_TRUE;
  void *stream = nullptr;
  if (!choose_stream(data, launch, stream_given, stream)) return nullptr;
  for (uint64_t &value : launch.values) launch.places.push_back(&value);
  const Ref kept = Ref::borrow(entry->kept.get());  // the grid's function may have launched with other values of globals
  astra_status status = ASTRA_OK;
  Py_BEGIN_ALLOW_THREADS;
  status = hooks.api->gpu_launch_on(entry->module, entry->kernel, sizes, launch.places.data(), stream);
  Py_END_ALLOW_THREADS;
  if (status == ASTRA_OK) return order_with(data, launch, stream, true) ? Py_NewRef(Py_True) : nullptr;
  return PyObject_CallFunction(data.check.get(), "i", static_cast<int>(status));
}

void free_entry(PyObject *capsule) { delete static_cast<Entry *>(PyCapsule_GetPointer(capsule, nullptr)); }

// add(key, module, kernel, written, watched, kept)
PyObject *add(PyObject *self, PyObject *given) {
  PyObject *key = nullptr, *watched = nullptr, *kept = nullptr;
  unsigned long long module = 0;
  long long kernel = 0;
  Py_buffer written = {};
  if (!PyArg_ParseTuple(given, "O!KLy*O!O", &PyTuple_Type, &key, &module, &kernel, &written, &PyTuple_Type, &watched, &kept))
    return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->module = reinterpret_cast<astra_gpu_module *>(static_cast<uintptr_t>(module));
  entry->kernel = kernel;
  const auto *const bytes = static_cast<const char *>(written.buf);
  entry->written.assign(bytes, bytes + written.len);
  PyBuffer_Release(&written);
  entry->kept = Ref::borrow(kept);
  const Data &data = *of(self).data;
  if (entry->written.size() != data.parameters.size()) return PyErr_Format(PyExc_ValueError, "expected a byte for each parameter");
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watched); ++i) {
    PyObject *scope = nullptr, *name = nullptr, *value = nullptr;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(watched, i), "OOO", &scope, &name, &value)) return nullptr;
    if (!PyDict_CheckExact(scope) && !PyCell_Check(scope)) return PyErr_Format(PyExc_TypeError, "expected a dictionary or a cell");
    entry->watched.push_back({Ref::borrow(scope), Ref::borrow(name), Ref::borrow(value)});
  }
  const Ref capsule(PyCapsule_New(entry.get(), nullptr, free_entry));
  if (!capsule) return nullptr;
  entry.release();
  if (PyDict_SetItem(data.known.get(), key, capsule.get()) < 0) return nullptr;
  Py_RETURN_NONE;
}

PyObject *launches_new(PyTypeObject *type, PyObject *given, PyObject *) {
  PyObject *parameters = nullptr, *check = nullptr;
  if (!PyArg_ParseTuple(given, "O!O", &PyTuple_Type, &parameters, &check)) return nullptr;
  auto data = std::make_unique<Data>();
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parameters); ++i) {
    PyObject *name = nullptr, *fallback = nullptr;
    int constant = 0;
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(parameters, i), "Up|O", &name, &constant, &fallback)) return nullptr;
    data->has_stream = data->has_stream || PyUnicode_Compare(name, names().stream) == 0;
    data->parameters.push_back({Ref::borrow(name), Ref::borrow(fallback), constant != 0});
  }
  data->check = Ref::borrow(check);
  data->known = Ref(PyDict_New());
  if (!data->known) return nullptr;
  PyObject *const self = type->tp_alloc(type, 0);
  if (self != nullptr) of(self).data = data.release();
  return self;
}

void launches_dealloc(PyObject *self) {
  delete of(self).data;
  PyTypeObject *const type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"launch", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(launch_kernel)), METH_FASTCALL,
     "launch(grid, args, kwargs): True if it was launched; the key where the kernel is not known for the arguments; False "
     "where Python has to look at them."},
    {"add", add, METH_VARARGS,
     "add(key, module, kernel, written, watched, kept): what a key launches; a byte for each parameter that is written to, "
     "and (scope, name, value) of the variables that the code counts on."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void *>(launches_new)},
    {Py_tp_dealloc, reinterpret_cast<void *>(launches_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char *>("Launches(parameters, check): of (name, whether it is a constant[, default]) each.")},
    {0, nullptr},
};
PyType_Spec spec = {"astra_mlir._native.Launches", sizeof(Object), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

bool make_launches_type(PyObject *module) {
  auto *const type = reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &spec, nullptr));
  return type != nullptr && PyModule_AddType(module, type) == 0;
}

}  // namespace astra::python
