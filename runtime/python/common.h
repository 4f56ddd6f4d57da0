// What the files of the extension module share: NumPy's interface, owned references, and the hooks of Python and JAX.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL astra_numpy
#ifndef ASTRA_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "astra/runtime.h"

namespace astra::python {

// An owned reference.
class Ref {
public:
  Ref() = default;
  explicit Ref(PyObject *owned) : object_(owned) {}
  static Ref borrow(PyObject *object) { return Ref(Py_XNewRef(object)); }
  Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref &operator=(Ref &&other) noexcept {
    PyObject *old = std::exchange(object_, std::exchange(other.object_, nullptr));
    Py_XDECREF(old);
    return *this;
  }
  Ref(const Ref &) = delete;
  Ref &operator=(const Ref &) = delete;
  ~Ref() { Py_XDECREF(object_); }

  PyObject *get() const { return object_; }
  PyObject *release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

private:
  PyObject *object_ = nullptr;
};

// A vector of trivial elements that lives on the stack while it is short, as those of a call do.
template <typename T, size_t inline_size>
class SmallVector {
public:
  SmallVector() = default;
  explicit SmallVector(size_t size) { grow_to(size), size_ = size; }
  SmallVector(const SmallVector &) = delete;
  SmallVector &operator=(const SmallVector &) = delete;
  void push_back(T value) {
    if (size_ == capacity_) grow_to(2 * size_);
    data_[size_++] = value;
  }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T *data() { return data_; }
  size_t size() const { return size_; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }

private:
  void grow_to(size_t capacity) {
    if (capacity <= capacity_) return;
    heap_.resize(capacity);
    for (size_t i = 0; i < size_ && data_ == inline_; ++i) heap_[i] = data_[i];
    data_ = heap_.data();
    capacity_ = capacity;
  }
  T inline_[inline_size];
  std::vector<T> heap_;
  T *data_ = inline_;
  size_t size_ = 0, capacity_ = inline_size;
};

// The runtime's table and context, and the variable that `astra.threads` sets; from `initialize`.
struct Hooks {
  const astra_api *api = nullptr;
  astra_context *context = nullptr;
  PyObject *thread_override = nullptr;
};
extern Hooks hooks;

// What of JAX the call path uses; from `use_jax`.  Null while JAX is not loaded.
struct JaxHooks {
  PyTypeObject *array_type = nullptr;
  PyTypeObject *key_type = nullptr;
  PyObject *device_put = nullptr;  // jaxlib's batched_device_put
  PyObject *sharding = nullptr;
  PyObject *devices = nullptr;  // a list of the one CPU device
  PyObject *flatten = nullptr;  // of a tree: its leaves and structure
  PyObject *trace_context = nullptr;
  PyObject *pointer_of = nullptr;   // for arrays that have no buffer protocol
  PyObject *collect = nullptr;      // releases what deleted arrays held
  PyObject *is_deleted = nullptr;   // the method of the array type
};
extern JaxHooks jax;

extern PyTypeObject *function_type, *plan_type, *dispatcher_type;

}  // namespace astra::python
