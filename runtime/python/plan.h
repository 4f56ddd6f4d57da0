// The type `Plan`: a compiled function on the leaves of trees of arrays of any kind; the base of `CompiledFunction`.
#pragma once

#include "function.h"

namespace astra::python {

// Runs the plan on leaves in the order of the function's arguments.  Null with an exception set.  `looked_at` says that
// look_at_tensor has found the tensors among them readable.
PyObject *run_plan(PyObject *plan, PyObject *const *leaves, size_t count, bool looked_at);

// Notes that the plan is used now, for eviction of the one used longest ago.
void touch(PyObject *plan);

bool make_plan_type(PyObject *module);

}  // namespace astra::python
