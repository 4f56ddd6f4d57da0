// Arrays at the border: where their elements are, what decides which program runs, and results in the runtime's memory.
#pragma once

#include "common.h"

namespace astra::python {

// Shape and element type of an argument or result.
struct Spec {
  Ref dtype;  // PyArray_Descr
  std::vector<npy_intp> shape;
  int64_t bytes = 0;
  uint32_t interned = 0;

  PyArray_Descr *descr() const { return reinterpret_cast<PyArray_Descr *>(dtype.get()); }
  int rank() const { return static_cast<int>(shape.size()); }
};

// Specs of a sequence of (dtype, shape); false with an exception set.
bool parse_specs(PyObject *sequence, std::vector<Spec> &specs);

// A number for (element type, shape), the same for equal ones as long as the process lives.
uint32_t intern(int type_number, const npy_intp *shape, int rank);

// Whether `array` has the spec's type and shape, in row-major order and this machine's byte order.
bool fits(PyArrayObject *array, const Spec &spec);

// An uninitialised array for a result: memory of the runtime's pool if `pooled`, or else if it is large.
PyObject *new_result(const Spec &spec, bool pooled);

// The owner of memory of the runtime's pool that begins at `elements`; null where the pool does not know it.
Ref owner_of(void *elements);

// An array for a result over memory of the pool, which it keeps alive.
PyObject *result_over(const Spec &spec, Ref owner);

// What a look at a JAX array tells without waiting for it.
struct JaxArray {
  uint32_t interned = 0;
  bool weak = false;
  void *elements = nullptr;  // known from an earlier call, or null
};

// False with an exception set.
bool look_at_jax_array(PyObject *array, JaxArray &found);

// Where the elements of a JAX array are, waiting for them if need be; null, without an exception, when they cannot be had
// so: it has another layout, is on another device or was deleted.
void *elements_of_jax_array(PyObject *array, const JaxArray &known);

// A JAX array of abstract value `aval` over `array`, which is taken over; null with an exception set.
PyObject *to_jax(PyObject *aval, PyObject *array);

bool make_memory_type(PyObject *module);

}  // namespace astra::python
