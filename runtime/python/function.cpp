#include "function.h"

#include <structmember.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace astra::python {

PyTypeObject *function_type = nullptr;

namespace {

FunctionObject &of(PyObject *self) { return *reinterpret_cast<FunctionObject *>(self); }

void function_dealloc(PyObject *self) {
  delete of(self).code;
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject *bind(PyObject *self, PyObject *arguments) {
  unsigned long long entry = 0;
  long long arena_bytes = 0;
  PyObject *inputs = nullptr, *outputs = nullptr, *constants = nullptr, *aliases = nullptr;
  if (!PyArg_ParseTuple(arguments, "KLOOO!O!", &entry, &arena_bytes, &inputs, &outputs, &PyTuple_Type, &constants,
                        &PyTuple_Type, &aliases))
    return nullptr;
  auto code = std::make_unique<Code>();
  code->entry = reinterpret_cast<astra_entry_fn>(static_cast<uintptr_t>(entry));
  code->arena_bytes = arena_bytes;
  if (!parse_specs(inputs, code->inputs) || !parse_specs(outputs, code->outputs)) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants); ++i) {
    PyObject *array = PyTuple_GET_ITEM(constants, i);
    if (!PyArray_Check(array) || !PyArray_IS_C_CONTIGUOUS(reinterpret_cast<PyArrayObject *>(array))) {
      PyErr_SetString(PyExc_TypeError, "constants are C-contiguous arrays");
      return nullptr;
    }
    code->constants.push_back(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array)));
  }
  code->kept = Ref::borrow(constants);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(aliases); ++i) {
    code->aliases.push_back(PyLong_AsSsize_t(PyTuple_GET_ITEM(aliases, i)));
    if (PyErr_Occurred()) return nullptr;
  }
  delete std::exchange(of(self).code, code.release());
  Py_RETURN_NONE;
}

// Runs on places of inputs; the results in a tuple.
PyObject *run(FunctionObject &function, Pointers &inputs) {
  SmallVector<PyObject *, 16> results;
  Pointers places;
  if (!allocate_results(*function.code, false, results, places, inputs)) return nullptr;
  Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
  for (size_t i = 0; i < results.size(); ++i) {
    if (tuple) PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), results[i]);
    else Py_DECREF(results[i]);
  }
  if (!tuple || !execute(function, 0, inputs.data(), places.data())) return nullptr;
  return tuple.release();
}

bool callable(const FunctionObject &function) { return function.code != nullptr && function.code->entry != nullptr; }

PyObject *function_call(PyObject *self, PyObject *arguments, PyObject *keywords) {
  FunctionObject &function = of(self);
  if (keywords != nullptr && PyDict_GET_SIZE(keywords) > 0) {
    PyErr_SetString(PyExc_TypeError, "an executable takes its arguments by position");
    return nullptr;
  }
  if (callable(function) && static_cast<size_t>(PyTuple_GET_SIZE(arguments)) == function.code->inputs.size()) {
    const Code &code = *function.code;
    Pointers inputs(code.inputs.size() + code.constants.size());
    size_t i = 0;
    for (; i < code.inputs.size(); ++i) {
      PyObject *const argument = PyTuple_GET_ITEM(arguments, static_cast<Py_ssize_t>(i));
      auto *const array = reinterpret_cast<PyArrayObject *>(argument);
      if (Py_TYPE(argument) != &PyArray_Type || !fits(array, code.inputs[i])) break;
      inputs[i] = PyArray_DATA(array);
    }
    if (i == code.inputs.size()) return run(function, inputs);
  }
  static PyObject *const name = PyUnicode_InternFromString("_call_checked");
  return PyObject_CallMethodOneArg(self, name, arguments);
}

PyObject *run_pointers(PyObject *self, PyObject *addresses) {
  FunctionObject &function = of(self);
  if (!callable(function)) return PyErr_Format(PyExc_RuntimeError, "the function is not bound to code of this machine");
  const Ref fast(PySequence_Fast(addresses, "expected addresses"));
  if (!fast) return nullptr;
  const size_t count = static_cast<size_t>(PySequence_Fast_GET_SIZE(fast.get()));
  if (count != function.code->inputs.size()) return PyErr_Format(PyExc_TypeError, "expected an address for each argument");
  Pointers inputs(count + function.code->constants.size());
  for (size_t i = 0; i < count; ++i) {
    inputs[i] = PyLong_AsVoidPtr(PySequence_Fast_GET_ITEM(fast.get(), static_cast<Py_ssize_t>(i)));
    if (inputs[i] == nullptr && PyErr_Occurred()) return nullptr;
  }
  return run(function, inputs);
}

PyMethodDef function_methods[] = {
    {"_bind", bind, METH_VARARGS,
     "_bind(entry, arena_bytes, inputs, outputs, constants, aliases): what is called, and (dtype, shape) of all that goes in "
     "and out."},
    {"run_pointers", run_pointers, METH_O,
     "Run on addresses of C-contiguous arrays that match the signature and stay alive; nothing is checked."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef function_members[] = {
    {"_num_threads", T_LONGLONG, offsetof(FunctionObject, num_threads), 0, "The most threads of a call; 0: no limit."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot function_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(function_dealloc)},
    {Py_tp_call, reinterpret_cast<void *>(function_call)},
    {Py_tp_methods, function_methods},
    {Py_tp_members, function_members},
    {Py_tp_doc, const_cast<char *>("A compiled function on NumPy arrays; what does not fit goes to `_call_checked`.")},
    {0, nullptr},
};
PyType_Spec function_spec = {"astra_mlir._native.Function", sizeof(FunctionObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, function_slots};

// The number of threads for `astra_call`: that of `astra.threads`, else the context's, up to the limits.
bool threads_of(const FunctionObject &function, int64_t limit, int64_t &threads) {
  PyObject *value = nullptr;
  if (PyContextVar_Get(hooks.thread_override, nullptr, &value) < 0) return false;
  threads = 0;
  if (value != nullptr) {
    threads = PyLong_AsLongLong(value);
    Py_DECREF(value);
    if (threads == -1 && PyErr_Occurred()) return false;
  }
  for (const int64_t most : {limit, static_cast<int64_t>(function.num_threads)})
    if (most > 0) threads = std::min(most, threads > 0 ? threads : hooks.api->get_num_threads(hooks.context));
  return true;
}

}  // namespace

bool allocate_results(const Code &code, bool pooled, SmallVector<PyObject *, 16> &results, Pointers &places,
                      Pointers &inputs, Ref *owners) {
  for (size_t i = 0; i < code.outputs.size(); ++i) {
    const Spec &spec = code.outputs[i];
    const Py_ssize_t argument = code.aliases.empty() ? -1 : code.aliases[i];
    const bool given = argument >= 0 && owners != nullptr && owners[argument];
    PyObject *const array = given ? result_over(spec, std::move(owners[argument])) : new_result(spec, pooled);
    if (array == nullptr) {
      for (PyObject *made : results) Py_DECREF(made);
      return false;
    }
    results.push_back(array);
    void *const place = PyArray_DATA(reinterpret_cast<PyArrayObject *>(array));
    places.push_back(place);
    if (argument < 0) continue;
    if (!given) std::memcpy(place, inputs[argument], static_cast<size_t>(spec.bytes));
    inputs[argument] = place;
  }
  return true;
}

bool execute(const FunctionObject &function, int64_t limit, void **inputs, void **outputs) {
  const Code &code = *function.code;
  std::copy(code.constants.begin(), code.constants.end(), inputs + code.inputs.size());
  int64_t threads = 0;
  if (!threads_of(function, limit, threads)) return false;
  const astra_call call = {sizeof(astra_call), code.entry, inputs, outputs, code.arena_bytes, threads, nullptr, 0};
  astra_status status = ASTRA_OK;
  Py_BEGIN_ALLOW_THREADS;
  status = hooks.api->execute(hooks.context, &call);
  Py_END_ALLOW_THREADS;
  if (status == ASTRA_OK) return true;
  PyErr_SetString(status == ASTRA_OUT_OF_MEMORY ? PyExc_MemoryError : PyExc_RuntimeError, hooks.api->last_error());
  return false;
}

bool make_function_type(PyObject *module) {
  function_type = reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &function_spec, nullptr));
  return function_type != nullptr && PyModule_AddType(module, function_type) == 0;
}

}  // namespace astra::python
