// The type `Function`: a compiled function that takes and gives NumPy arrays; the base of Python's `Executable`.
#pragma once

#include "arrays.h"

namespace astra::python {

struct Code {
  astra_entry_fn entry = nullptr;
  int64_t arena_bytes = 0;
  std::vector<Spec> inputs, outputs;
  std::vector<Py_ssize_t> aliases;  // for each result the argument whose memory it takes over, or -1; empty: none does
  std::vector<void *> constants;  // elements of the arrays that `kept` holds
  Ref kept;
};

struct FunctionObject {
  PyObject_HEAD
  Code *code;             // null until bound
  long long num_threads;  // the most threads that a call takes; 0: no limit
};

// Room for the pointers of a call's inputs and constants, or outputs.
using Pointers = SmallVector<void *, 64>;

// Runs with the GIL released, on at most `limit` threads (0: no limit); `inputs` has room for the constants, too.  False
// with an exception set.
bool execute(const FunctionObject &function, int64_t limit, void **inputs, void **outputs);

// Allocates results, on failure leaves an exception; the elements' places are in `places`.  A result that takes over the
// memory of an argument gets that of `owners` (for each argument; may be null), or a copy, and the argument is there.
bool allocate_results(const Code &code, bool pooled, SmallVector<PyObject *, 16> &results, Pointers &places,
                      Pointers &inputs, Ref *owners = nullptr);

bool make_function_type(PyObject *module);

}  // namespace astra::python
