#include "plan.h"

#include <structmember.h>

#include <memory>

#include "tensors.h"

namespace astra::python {

PyTypeObject *plan_type = nullptr;

namespace {

enum class Results : int { kByArguments = 0, kJax = 1, kNumpy = 2, kTorch = 3 };

struct Result {
  Ref aval;               // of JAX; for PyTorch null
  ElementType element{};  // of PyTorch
  Ref wrap;  // what makes the result of an abstract value and an array, or null: JAX's array or NumPy's
};

struct PlanData {
  Ref function;
  std::vector<Result> results;
  Ref tree;       // tuples, lists, dictionaries and None around the numbers of results, or null:
  Ref unflatten;  // what makes the tree of a list of results
  Results kind = Results::kByArguments;
  std::vector<Py_ssize_t> donated;
  std::vector<Ref> hidden;  // leaves behind those of the arguments: the tensors that a function closes over
  std::vector<ElementType> elements;  // of all leaves, where they are tensors

  FunctionObject &called() const { return *reinterpret_cast<FunctionObject *>(function.get()); }
};

struct PlanObject {
  PyObject_HEAD
  PlanData *data;
  unsigned long long last_used;
  long long num_threads;  // the most threads that a call takes; 0: no limit
};

PlanObject &of(PyObject *self) { return *reinterpret_cast<PlanObject *>(self); }

void plan_dealloc(PyObject *self) {
  delete of(self).data;
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

bool parse_element(PyObject *pair, ElementType &element) {
  element.lanes = 1;
  return PyArg_ParseTuple(pair, "bb", &element.code, &element.bits) != 0;
}

PyObject *bind(PyObject *self, PyObject *arguments) {
  PyObject *function = nullptr, *avals = nullptr, *wraps = nullptr, *tree = nullptr, *unflatten = nullptr, *donated = nullptr,
           *hidden = nullptr, *elements = nullptr;
  int kind = 0;
  if (!PyArg_ParseTuple(arguments, "O!O!O!OOiO!|O!O!", function_type, &function, &PyTuple_Type, &avals, &PyTuple_Type, &wraps,
                        &tree, &unflatten, &kind, &PyTuple_Type, &donated, &PyTuple_Type, &hidden,
                        &PyTuple_Type, &elements))
    return nullptr;
  auto data = std::make_unique<PlanData>();
  data->function = Ref::borrow(function);
  data->kind = static_cast<Results>(kind);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(avals); ++i) {
    PyObject *const wrap = PyTuple_GetItem(wraps, i);
    if (wrap == nullptr) return nullptr;
    PyObject *const aval = PyTuple_GET_ITEM(avals, i);
    Result result;
    if (data->kind == Results::kTorch) {
      if (!parse_element(aval, result.element)) return nullptr;
    } else {
      result.aval = Ref::borrow(aval);
      result.wrap = Ref::borrow(wrap == Py_None ? nullptr : wrap);
    }
    data->results.push_back(std::move(result));
  }
  if (unflatten == Py_None) data->tree = Ref::borrow(tree);
  else data->unflatten = Ref::borrow(unflatten);
  for (Py_ssize_t i = 0; hidden != nullptr && i < PyTuple_GET_SIZE(hidden); ++i)
    data->hidden.push_back(Ref::borrow(PyTuple_GET_ITEM(hidden, i)));
  for (Py_ssize_t i = 0; elements != nullptr && i < PyTuple_GET_SIZE(elements); ++i)
    if (!parse_element(PyTuple_GET_ITEM(elements, i), data->elements.emplace_back())) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(donated); ++i) {
    data->donated.push_back(PyLong_AsSsize_t(PyTuple_GET_ITEM(donated, i)));
    if (PyErr_Occurred()) return nullptr;
  }
  delete std::exchange(of(self).data, data.release());
  Py_RETURN_NONE;
}

// --- arguments ----------------------------------------------------------------------------------------------------

struct alignas(16) Scalar {
  unsigned char bytes[16];
};

// Writes a Python number of the kind of the element type; false (without an exception) for others.
bool write_number(PyObject *number, const Spec &spec, Scalar &scalar) {
  if (spec.rank() != 0) return false;
  const int type = spec.descr()->type_num;
  const bool taken = PyBool_Check(number)           ? PyTypeNum_ISBOOL(type)
                     : PyLong_CheckExact(number)    ? PyTypeNum_ISINTEGER(type)
                     : PyFloat_CheckExact(number)   ? PyTypeNum_ISFLOAT(type)
                     : PyComplex_CheckExact(number) ? PyTypeNum_ISCOMPLEX(type)
                                                    : false;
  if (!taken || spec.bytes > static_cast<int64_t>(sizeof(Scalar))) return false;
  if (PyArray_Pack(spec.descr(), scalar.bytes, number) == 0) return true;
  PyErr_Clear();
  return false;
}

struct Arguments {
  explicit Arguments(size_t count, size_t constants) : places(count + constants), scalars(count) {}
  ~Arguments() {
    for (PyObject *object : kept) Py_DECREF(object);
  }
  Pointers places;
  SmallVector<Scalar, 32> scalars;
  SmallVector<PyObject *, 16> kept;  // what was made of leaves, until the call is over
  bool any_jax = false;
};

void *jax_elements(PyObject *array, const Spec &spec) {
  JaxArray found;
  if (!look_at_jax_array(array, found)) {
    PyErr_Clear();
    return nullptr;
  }
  return found.interned == spec.interned ? elements_of_jax_array(array, found) : nullptr;
}

// The elements of a leaf that needs nothing but looking at; null, without an exception, for all others.
void *elements_of(PyObject *leaf, const Spec &spec, Scalar &scalar, Arguments &arguments) {
  PyTypeObject *const type = Py_TYPE(leaf);
  if (type == &PyArray_Type) {
    auto *const array = reinterpret_cast<PyArrayObject *>(leaf);
    return fits(array, spec) ? PyArray_DATA(array) : nullptr;
  }
  if (type == jax.array_type) {
    arguments.any_jax = true;
    return jax_elements(leaf, spec);
  }
  if (type == jax.key_type) {
    static PyObject *const name = PyUnicode_InternFromString("_base_array");
    arguments.any_jax = true;
    PyObject *const base = PyObject_GetAttr(leaf, name);
    if (base == nullptr) {
      PyErr_Clear();
      return nullptr;
    }
    arguments.kept.push_back(base);
    return Py_TYPE(base) == jax.array_type ? jax_elements(base, spec) : nullptr;
  }
  return write_number(leaf, spec, scalar) ? scalar.bytes : nullptr;
}

// What Python makes of a leaf: an address, or an array or tensor that fits.
void *converted(PyObject *self, const PlanData &plan, PyObject *leaf, size_t number, Arguments &arguments) {
  static PyObject *const name = PyUnicode_InternFromString("_converted");
  const Ref index(PyLong_FromSize_t(number));
  if (!index) return nullptr;
  Ref made(PyObject_CallMethodObjArgs(self, name, leaf, index.get(), nullptr));
  if (!made) return nullptr;
  if (PyLong_Check(made.get())) return PyLong_AsVoidPtr(made.get());
  void *const elements = PyArray_Check(made.get()) ? PyArray_DATA(reinterpret_cast<PyArrayObject *>(made.get()))
                         : is_tensor(made.get()) && number < plan.elements.size()
                             ? elements_of_tensor(made.get(), plan.called().code->inputs[number], plan.elements[number], false)
                             : nullptr;
  if (elements == nullptr) {
    PyErr_SetString(PyExc_TypeError, "_converted gives an address, or an array or tensor that fits");
    return nullptr;
  }
  arguments.kept.push_back(made.release());
  return elements;
}

bool check_donated(PyObject *self, const PlanData &plan, PyObject *const *leaves, size_t count) {
  for (const Py_ssize_t donated : plan.donated)
    for (size_t i = 0; i < count; ++i) {
      if (leaves[i] != leaves[donated] || i == static_cast<size_t>(donated) || Py_TYPE(leaves[i]) != jax.array_type) continue;
      const Ref raised(PyObject_CallMethod(self, "_same_array", "nn", static_cast<Py_ssize_t>(i), donated));
      return false;
    }
  return true;
}

bool give_up_donated(const PlanData &plan, PyObject *const *leaves) {
  static PyObject *const name = PyUnicode_InternFromString("delete");
  for (const Py_ssize_t i : plan.donated) {
    if (Py_TYPE(leaves[i]) != jax.array_type) continue;
    const Ref done(PyObject_CallMethodNoArgs(leaves[i], name));
    if (!done) return false;
  }
  return true;
}

// For each argument the memory that a result may take over: the pool's, and nothing else is using it, be it a computation
// of JAX that still reads it or a NumPy view.  The leaves are given up for that, their memory is `kept` for the call.
// False with an exception set.
bool take_over(const Code &code, PyObject *const *leaves, const Pointers &places, std::vector<Ref> &owners,
               std::vector<Ref> &kept) {
  static PyObject *const name = PyUnicode_InternFromString("delete");
  owners.resize(code.inputs.size());
  for (const Py_ssize_t i : code.aliases) {
    if (i < 0 || Py_TYPE(leaves[i]) != jax.array_type) continue;
    owners[i] = owner_of(places[i]);
    const Ref done(owners[i] ? PyObject_CallMethodNoArgs(leaves[i], name) : Py_NewRef(Py_None));
    if (!done) return false;
  }
  const Ref collected(PyObject_CallNoArgs(jax.collect));
  if (!collected) return false;
  for (Ref &owner : owners)
    if (owner && Py_REFCNT(owner.get()) > 1) kept.push_back(std::move(owner));
  return true;
}

// --- results ------------------------------------------------------------------------------------------------------

PyObject *build(PyObject *tree, PyObject *const *results) {
  if (PyLong_CheckExact(tree)) return Py_NewRef(results[PyLong_AsSsize_t(tree)]);
  if (PyTuple_CheckExact(tree)) {
    Ref made(PyTuple_New(PyTuple_GET_SIZE(tree)));
    for (Py_ssize_t i = 0; made && i < PyTuple_GET_SIZE(tree); ++i) {
      PyObject *const child = build(PyTuple_GET_ITEM(tree, i), results);
      if (child == nullptr) return nullptr;
      PyTuple_SET_ITEM(made.get(), i, child);
    }
    return made.release();
  }
  if (PyList_CheckExact(tree)) {
    Ref made(PyList_New(PyList_GET_SIZE(tree)));
    for (Py_ssize_t i = 0; made && i < PyList_GET_SIZE(tree); ++i) {
      PyObject *const child = build(PyList_GET_ITEM(tree, i), results);
      if (child == nullptr) return nullptr;
      PyList_SET_ITEM(made.get(), i, child);
    }
    return made.release();
  }
  if (PyDict_CheckExact(tree)) {
    Ref made(PyDict_New());
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; made && PyDict_Next(tree, &at, &key, &value);) {
      const Ref child(build(value, results));
      if (!child || PyDict_SetItem(made.get(), key, child.get()) < 0) return nullptr;
    }
    return made.release();
  }
  return Py_NewRef(tree);
}

// Makes of each result what the caller gets, in its place; false with an exception set.
bool wrap_results(const PlanData &plan, bool as_jax, SmallVector<PyObject *, 16> &results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const Result &how = plan.results[i];
    PyObject *wrapped = nullptr;
    if (plan.kind == Results::kTorch) {
      wrapped = to_tensor(how.element, results[i]);
    } else if (how.wrap) {
      PyObject *arguments[] = {how.aval.get(), results[i]};
      wrapped = PyObject_Vectorcall(how.wrap.get(), arguments, 2, nullptr);
    } else if (as_jax) {
      wrapped = to_jax(how.aval.get(), results[i]);
    } else {
      continue;
    }
    if (wrapped == nullptr) return false;
    Py_SETREF(results[i], wrapped);
  }
  return true;
}

PyObject *tree_of(const PlanData &plan, SmallVector<PyObject *, 16> &results) {
  if (plan.tree) return build(plan.tree.get(), results.data());
  const Ref list(PyList_New(static_cast<Py_ssize_t>(results.size())));
  if (!list) return nullptr;
  for (size_t i = 0; i < results.size(); ++i) PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), Py_NewRef(results[i]));
  return PyObject_CallOneArg(plan.unflatten.get(), list.get());
}

PyObject *run(PyObject *self, PyObject *leaves) {
  const Ref fast(PySequence_Fast(leaves, "expected the leaves of the arguments"));
  if (!fast) return nullptr;
  const Ref tuple(PySequence_Tuple(fast.get()));  // nobody else changes it during the call
  if (!tuple) return nullptr;
  return run_plan(self, &PyTuple_GET_ITEM(tuple.get(), 0), static_cast<size_t>(PyTuple_GET_SIZE(tuple.get())), false);
}

PyMethodDef plan_methods[] = {
    {"_bind", bind, METH_VARARGS,
     "_bind(function, avals, wraps, tree, unflatten, kind, donated, hidden=(), elements=()): what is called and what is "
     "made of its results; for tensors, `avals` and `elements` are pairs of DLPack's code and bits."},
    {"run", run, METH_O, "Run on the flattened arguments."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef plan_members[] = {
    {"_last_used", T_ULONGLONG, offsetof(PlanObject, last_used), READONLY, "Grows from call to call of any plan."},
    {"_num_threads", T_LONGLONG, offsetof(PlanObject, num_threads), 0, "The most threads of a call; 0: no limit."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot plan_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void *>(plan_dealloc)},
    {Py_tp_methods, plan_methods},
    {Py_tp_members, plan_members},
    {Py_tp_doc, const_cast<char *>("A compiled function on trees of arrays; what it cannot read goes to `_converted`.")},
    {0, nullptr},
};
PyType_Spec plan_spec = {"astra_mlir._native.Plan", sizeof(PlanObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                         plan_slots};

}  // namespace

void touch(PyObject *plan) {
  static unsigned long long now = 0;
  of(plan).last_used = ++now;
}

PyObject *run_plan(PyObject *self, PyObject *const *asked, size_t count, bool looked_at) {
  if (of(self).data == nullptr) return PyErr_Format(PyExc_RuntimeError, "the plan is not bound");
  const Ref alive = Ref::borrow(self);  // another thread may evict it while the call runs
  touch(self);
  const PlanData &plan = *of(self).data;
  const FunctionObject &function = plan.called();
  if (function.code == nullptr || function.code->entry == nullptr) {
    const Ref raised(PyObject_CallMethod(plan.function.get(), "_call_checked", "(())"));
    return nullptr;
  }
  const Code &code = *function.code;
  if (count + plan.hidden.size() != code.inputs.size())
    return PyErr_Format(PyExc_ValueError, "expected %zu leaves, got %zu", code.inputs.size() - plan.hidden.size(), count);
  SmallVector<PyObject *, 64> leaves(code.inputs.size());
  std::copy(asked, asked + count, leaves.begin());
  const size_t asked_count = count;
  for (const Ref &tensor : plan.hidden) leaves[count++] = tensor.get();

  Arguments arguments(count, code.constants.size());
  for (size_t i = 0; i < count; ++i) {
    void *elements = !is_tensor(leaves[i]) ? elements_of(leaves[i], code.inputs[i], arguments.scalars[i], arguments)
                     : i < plan.elements.size()
                         ? elements_of_tensor(leaves[i], code.inputs[i], plan.elements[i], looked_at && i < asked_count)
                         : nullptr;
    if (elements == nullptr) {
      elements = converted(self, plan, leaves[i], i, arguments);
      if (elements == nullptr && PyErr_Occurred()) return nullptr;
    }
    arguments.places[i] = elements;
  }
  if (!plan.donated.empty() && !check_donated(self, plan, leaves.data(), count)) return nullptr;

  const bool as_jax = plan.kind == Results::kJax || (plan.kind == Results::kByArguments && arguments.any_jax);
  SmallVector<PyObject *, 16> results;
  Pointers places;
  std::vector<Ref> owners, kept;
  if (!code.aliases.empty() && as_jax && !take_over(code, leaves.data(), arguments.places, owners, kept)) return nullptr;
  // Another thread may donate or delete an array that this call reads: its memory stays until the call is over.
  if (arguments.any_jax)
    for (size_t i = 0; i < count; ++i)
      if (Py_TYPE(leaves[i]) == jax.array_type && (owners.empty() || !owners[i]))
        if (Ref owner = owner_of(arguments.places[i])) arguments.kept.push_back(owner.release());
  Ref *const given = owners.empty() ? nullptr : owners.data();
  if (!allocate_results(code, as_jax, results, places, arguments.places, given)) return nullptr;
  PyObject *tree = nullptr;
  if (execute(function, of(self).num_threads, arguments.places.data(), places.data()) && give_up_donated(plan, leaves.data()) &&
      wrap_results(plan, as_jax, results))
    tree = tree_of(plan, results);
  for (PyObject *result : results) Py_DECREF(result);
  return tree;
}

bool make_plan_type(PyObject *module) {
  plan_type = reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &plan_spec, nullptr));
  return plan_type != nullptr && PyModule_AddType(module, plan_type) == 0;
}

}  // namespace astra::python
