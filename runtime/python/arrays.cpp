#include "arrays.h"

#include <structmember.h>

#include <map>
#include <memory>
#include <unordered_map>

namespace astra::python {

namespace {

// Below this NumPy's own allocator serves results: it keeps small blocks at hand.
constexpr int64_t kPooledBytes = 256 * 1024;

// --- memory of the runtime's pool ---------------------------------------------------------------------------------

struct MemoryObject {
  PyObject_HEAD
  void *memory;
};

PyTypeObject *memory_type = nullptr;

// Who owns the memory that begins at an address.
std::unordered_map<void *, PyObject *> &owners() {
  static auto &made = *new std::unordered_map<void *, PyObject *>;
  return made;
}

void memory_dealloc(PyObject *self) {
  owners().erase(reinterpret_cast<MemoryObject *>(self)->memory);
  hooks.api->deallocate(hooks.context, reinterpret_cast<MemoryObject *>(self)->memory);
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot memory_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(memory_dealloc)},
    {Py_tp_doc, const_cast<char *>("Memory of the runtime's pool, given back with the last array over it.")},
    {0, nullptr},
};
PyType_Spec memory_spec = {"astra_mlir._native.Memory", sizeof(MemoryObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, memory_slots};

// --- JAX arrays seen before ---------------------------------------------------------------------------------------

// Asking a JAX array where its elements are costs a third of a microsecond (it may have to wait for them), and training
// loops and services pass the same arrays again and again.  An array's elements do not move while it lives and is not
// deleted.  The weak reference tells that the object at this address is the one that was asked, not a later one.
struct SeenArray {
  PyObject *weakref = nullptr;
  JaxArray found;
};
constexpr size_t kSeen = 4096;
SeenArray seen_arrays[kSeen];

SeenArray &seen_slot(PyObject *array) {
  const auto address = reinterpret_cast<uintptr_t>(array);
  return seen_arrays[(address >> 4 ^ address >> 16) % kSeen];
}

PyObject *referent(PyObject *weakref) {
  // Compared only, with an object that is alive.
#if PY_VERSION_HEX >= 0x030d0000
  PyObject *object = nullptr;
  if (PyWeakref_GetRef(weakref, &object) < 0) PyErr_Clear();
  Py_XDECREF(object);
  return object;
#else
  return PyWeakref_GET_OBJECT(weakref);
#endif
}

void remember(PyObject *array, const JaxArray &found) {
  PyObject *weakref = PyWeakref_NewRef(array, nullptr);
  if (weakref == nullptr) {
    PyErr_Clear();
    return;
  }
  SeenArray &slot = seen_slot(array);
  slot.found = found;
  Py_XSETREF(slot.weakref, weakref);
}

// --- abstract values of JAX seen before ---------------------------------------------------------------------------

struct SeenAval {
  PyObject *aval = nullptr;
  uint32_t interned = 0;
  bool weak = false;
};
constexpr size_t kAvals = 1024;
SeenAval seen_avals[kAvals];

struct Names {
  PyObject *aval = PyUnicode_InternFromString("aval");
  PyObject *shape = PyUnicode_InternFromString("shape");
  PyObject *dtype = PyUnicode_InternFromString("dtype");
  PyObject *weak_type = PyUnicode_InternFromString("weak_type");
};
const Names &names() {
  static const Names made;
  return made;
}

bool read_shape(PyObject *tuple, std::vector<npy_intp> &shape) {
  const Ref fast(PySequence_Fast(tuple, "a shape is a sequence"));
  if (!fast) return false;
  shape.clear();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    const Py_ssize_t size = PyNumber_AsSsize_t(PySequence_Fast_GET_ITEM(fast.get(), i), PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) return false;
    shape.push_back(size);
  }
  return true;
}

bool describe_aval(PyObject *aval, SeenAval &slot) {
  const Ref shape(PyObject_GetAttr(aval, names().shape));
  const Ref dtype(PyObject_GetAttr(aval, names().dtype));
  const Ref weak(PyObject_GetAttr(aval, names().weak_type));
  if (!shape || !dtype || !weak) return false;
  if (!PyArray_DescrCheck(dtype.get())) {
    PyErr_SetString(PyExc_TypeError, "a JAX array without a NumPy element type");
    return false;
  }
  std::vector<npy_intp> sizes;
  if (!read_shape(shape.get(), sizes)) return false;
  const int is_weak = PyObject_IsTrue(weak.get());
  if (is_weak < 0) return false;
  slot.interned = intern(reinterpret_cast<PyArray_Descr *>(dtype.get())->type_num, sizes.data(),
                         static_cast<int>(sizes.size()));
  slot.weak = is_weak != 0;
  Py_XSETREF(slot.aval, Py_NewRef(aval));
  return true;
}

}  // namespace

bool make_memory_type(PyObject *module) {
  memory_type = reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &memory_spec, nullptr));
  return memory_type != nullptr;
}

uint32_t intern(int type_number, const npy_intp *shape, int rank) {
  static auto &known = *new std::map<std::vector<npy_intp>, uint32_t>;
  std::vector<npy_intp> key(shape, shape + rank);
  key.push_back(type_number);
  return known.emplace(std::move(key), static_cast<uint32_t>(known.size() + 1)).first->second;
}

bool parse_specs(PyObject *sequence, std::vector<Spec> &specs) {
  const Ref fast(PySequence_Fast(sequence, "expected a sequence of (dtype, shape)"));
  if (!fast) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject *dtype = nullptr, *shape = nullptr;
    if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(fast.get(), i), "O!O!", &PyArrayDescr_Type, &dtype, &PyTuple_Type,
                          &shape))
      return false;
    Spec spec;
    spec.dtype = Ref::borrow(dtype);
    if (!read_shape(shape, spec.shape)) return false;
    spec.bytes = PyDataType_ELSIZE(spec.descr());
    for (const npy_intp size : spec.shape) spec.bytes *= size;
    spec.interned = intern(spec.descr()->type_num, spec.shape.data(), spec.rank());
    specs.push_back(std::move(spec));
  }
  return true;
}

bool fits(PyArrayObject *array, const Spec &spec) {
  PyArray_Descr *const descr = PyArray_DESCR(array);
  if (descr != spec.descr() && (descr->type_num != spec.descr()->type_num || PyDataType_ISBYTESWAPPED(descr))) return false;
  if (PyArray_NDIM(array) != spec.rank()) return false;
  for (int i = 0; i < spec.rank(); ++i)
    if (PyArray_DIM(array, i) != spec.shape[i]) return false;
  return PyArray_CHKFLAGS(array, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED);
}

PyObject *new_result(const Spec &spec, bool pooled) {
  if (!pooled && spec.bytes < kPooledBytes) {
    Py_INCREF(spec.dtype.get());  // taken over by the new array
    return PyArray_NewFromDescr(&PyArray_Type, spec.descr(), spec.rank(), const_cast<npy_intp *>(spec.shape.data()),
                                nullptr, nullptr, 0, nullptr);
  }
  void *const memory = hooks.api->allocate(hooks.context, spec.bytes);
  if (memory == nullptr)
    return PyErr_Format(PyExc_MemoryError, "no memory for a buffer of %lld bytes", static_cast<long long>(spec.bytes));
  Ref owner(memory_type->tp_alloc(memory_type, 0));
  if (!owner) {
    hooks.api->deallocate(hooks.context, memory);
    return nullptr;
  }
  reinterpret_cast<MemoryObject *>(owner.get())->memory = memory;
  owners().emplace(memory, owner.get());
  return result_over(spec, std::move(owner));
}

Ref owner_of(void *elements) {
  const auto found = owners().find(elements);
  return Ref::borrow(found == owners().end() ? nullptr : found->second);
}

PyObject *result_over(const Spec &spec, Ref owner) {
  void *const memory = reinterpret_cast<MemoryObject *>(owner.get())->memory;
  auto *const shape = const_cast<npy_intp *>(spec.shape.data());
  Py_INCREF(spec.dtype.get());  // taken over by the new array
  Ref array(PyArray_NewFromDescr(&PyArray_Type, spec.descr(), spec.rank(), shape, nullptr, memory, NPY_ARRAY_CARRAY,
                                 nullptr));
  if (!array || PyArray_SetBaseObject(reinterpret_cast<PyArrayObject *>(array.get()), owner.release()) < 0) return nullptr;
  return array.release();
}

bool look_at_jax_array(PyObject *array, JaxArray &found) {
  const SeenArray &slot = seen_slot(array);
  if (slot.weakref != nullptr && referent(slot.weakref) == array) {
    found = slot.found;
    return true;
  }
  const Ref aval(PyObject_GetAttr(array, names().aval));
  if (!aval) return false;
  SeenAval &seen = seen_avals[reinterpret_cast<uintptr_t>(aval.get()) / 16 % kAvals];
  if (seen.aval != aval.get() && !describe_aval(aval.get(), seen)) return false;
  found = {seen.interned, seen.weak, nullptr};
  return true;
}

void *elements_of_jax_array(PyObject *array, const JaxArray &known) {
  if (known.elements != nullptr) {
    const Ref deleted(PyObject_CallOneArg(jax.is_deleted, array));
    if (!deleted) PyErr_Clear();
    return deleted.get() == Py_False ? known.elements : nullptr;
  }
  Py_buffer view;
  JaxArray found = known;
  if (PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS) == 0) {
    found.elements = view.buf;
    PyBuffer_Release(&view);
  } else {
    PyErr_Clear();  // another layout or device, or an element type that the protocol has no letter for
    const Ref pointer(PyObject_CallOneArg(jax.pointer_of, array));
    if (pointer && pointer.get() != Py_None) found.elements = PyLong_AsVoidPtr(pointer.get());
    if (PyErr_Occurred()) PyErr_Clear();
  }
  if (found.elements != nullptr) remember(array, found);
  return found.elements;
}

PyObject *to_jax(PyObject *aval, PyObject *array) {
  const Ref shards(PyList_New(1));
  if (!shards) return nullptr;
  PyList_SET_ITEM(shards.get(), 0, Py_NewRef(array));
  PyObject *arguments[] = {aval, jax.sharding, shards.get(), jax.devices, Py_False};
  return PyObject_Vectorcall(jax.device_put, arguments, 5, nullptr);
}

}  // namespace astra::python
