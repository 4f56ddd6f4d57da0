// `astra_mlir._native`: the path of a call from Python to compiled code.
//
// It knows the runtime only by its versioned table, whose address Python hands over, and JAX and PyTorch only by the objects
// that `use_jax` and `use_torch` name.  From the outside in: `Dispatcher` finds the plan for a call's arguments, `Plan` reads arrays of any
// kind and makes results of the kind wanted, `Function` runs code on addresses.
#define ASTRA_IMPORTS_NUMPY
#include "common.h"
#include "arrays.h"
#include "dispatcher.h"
#include "function.h"
#include "launches.h"
#include "plan.h"
#include "tensors.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace astra::python {

Hooks hooks;
JaxHooks jax;

namespace {

PyObject *initialize(PyObject *, PyObject *arguments) {
  unsigned long long api = 0, context = 0;
  PyObject *thread_override = nullptr;
  if (!PyArg_ParseTuple(arguments, "KKO!", &api, &context, &PyContextVar_Type, &thread_override)) return nullptr;
  hooks.api = reinterpret_cast<const astra_api *>(static_cast<uintptr_t>(api));
  hooks.context = reinterpret_cast<astra_context *>(static_cast<uintptr_t>(context));
  Py_XSETREF(hooks.thread_override, Py_NewRef(thread_override));
  Py_RETURN_NONE;
}

PyObject *use_jax(PyObject *, PyObject *arguments, PyObject *keywords) {
  static const char *names[] = {"array_type", "key_type",      "device_put", "sharding", "devices",
                                "flatten",    "trace_context", "pointer_of", "collect", nullptr};
  PyObject *array_type = nullptr, *key_type = nullptr;
  JaxHooks found;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O!OOO!OOOO", const_cast<char **>(names), &PyType_Type, &array_type,
                                   &PyType_Type, &key_type, &found.device_put, &found.sharding, &PyList_Type, &found.devices,
                                   &found.flatten, &found.trace_context, &found.pointer_of, &found.collect))
    return nullptr;
  found.is_deleted = PyObject_GetAttrString(array_type, "is_deleted");
  if (found.is_deleted == nullptr) return nullptr;
  found.array_type = reinterpret_cast<PyTypeObject *>(Py_NewRef(array_type));
  found.key_type = reinterpret_cast<PyTypeObject *>(Py_NewRef(key_type));
  for (PyObject *object : {found.device_put, found.sharding, found.devices, found.flatten, found.trace_context, found.pointer_of,
                           found.collect})
    Py_INCREF(object);
  jax = found;  // once for the process: what was there before, if anything, stays alive
  Py_RETURN_NONE;
}

PyObject *empty(PyObject *, PyObject *arguments) {
  PyObject *spec = nullptr;
  if (!PyArg_ParseTuple(arguments, "O", &spec)) return nullptr;
  const Ref one(PyTuple_Pack(1, spec));
  std::vector<Spec> specs;
  if (!one || !parse_specs(one.get(), specs)) return nullptr;
  return new_result(specs[0], false);
}

// All of CPUID that tells one processor, as its operating system lets programs use it, from another.
PyObject *processor_identity(PyObject *, PyObject *) {
  std::vector<uint32_t> words;
#if defined(__x86_64__)
  constexpr uint32_t leaves[][2] = {{0, 0},    {1, 0},    {7, 0},    {7, 1},          {7, 2},          {0xd, 0},
                                    {0xd, 1},  {0x14, 0}, {0x19, 0}, {0x1e, 1},       {0x24, 0},       {0x80000001, 0},
                                    {0x80000002, 0}, {0x80000003, 0}, {0x80000004, 0}, {0x80000007, 0}, {0x80000008, 0}};
  for (const auto &[leaf, subleaf] : leaves) {
    uint32_t a = 0, b = 0, c = 0, d = 0;
    __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d);
    if (leaf == 1) b &= 0x0000ff00;                                    // the rest is of the core that runs this
    if (leaf == 1 && (c >> 27 & 1) != 0) {
      uint32_t low, high;
      __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      words.insert(words.end(), {low, high});
    }
    if (leaf == 0xd) b = 0;  // the size of what is saved now
    words.insert(words.end(), {a, b, c, d});
  }
#endif
  return PyBytes_FromStringAndSize(reinterpret_cast<const char *>(words.data()),
                                   static_cast<Py_ssize_t>(words.size() * sizeof(uint32_t)));
}

PyMethodDef module_methods[] = {
    {"initialize", initialize, METH_VARARGS,
     "initialize(api, context, threads): addresses of the runtime's table and context, and the variable of astra.threads."},
    {"use_jax", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(use_jax)), METH_VARARGS | METH_KEYWORDS,
     "What of JAX the call path uses."},
    {"element_type", element_type, METH_O, "element_type(tensor): DLPack's code and bits of its elements."},
    {"use_torch", use_torch, METH_VARARGS,
     "use_torch(tensor_type, parameter_type, table, settings): what of PyTorch the call path uses."},
    {"empty", empty, METH_VARARGS, "empty((dtype, shape)): an uninitialised array, in the runtime's pool if it is large."},
    {"processor_identity", processor_identity, METH_NOARGS,
     "processor_identity(): what CPUID says of this processor; empty on others than x86-64."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "_native", "The path of a call from Python to compiled code.", -1, module_methods,
    nullptr,               nullptr,   nullptr,                                            nullptr,
};

}  // namespace
}  // namespace astra::python

PyMODINIT_FUNC PyInit__native() {
  using namespace astra::python;
  import_array();
  Ref module(PyModule_Create(&module_definition));
  if (!module || !make_memory_type(module.get()) || !make_function_type(module.get()) || !make_plan_type(module.get()) ||
      !make_dispatcher_type(module.get()) || !make_launches_type(module.get()))
    return nullptr;
  return module.release();
}
