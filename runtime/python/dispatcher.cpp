// The type `Dispatcher`: finds the plan for the arguments of a call; the base of `JitFunction`.
//
// A call's key is what decides which program runs: the structure of the arguments, the shapes and element types of their
// arrays, static values, and JAX's settings.  Keys are numbers, and objects that are compared as Python does.  What is
// not known goes to Python (`_call_uncached`), which compiles and tells us (`_remember`).
#include "dispatcher.h"

#include <structmember.h>

#include <cstring>
#include <memory>
#include <unordered_map>

#include "plan.h"
#include "tensors.h"

namespace astra::python {

PyTypeObject *dispatcher_type = nullptr;

namespace {

// --- keys ---------------------------------------------------------------------------------------------------------

enum Tag : uint64_t {
  kTuple = 1, kList, kDict, kNone, kNode, kKeywords, kStaticPosition, kStaticKeyword, kSettings,
  kNumpy, kJax, kKeys, kBool, kInt, kFloat, kComplex, kTensor, kTraining,
};

constexpr uint64_t word(Tag tag, uint64_t a = 0, uint64_t b = 0) { return tag | a << 8 | b << 32; }

struct Key {
  ~Key() {
    for (PyObject *object : objects) Py_DECREF(object);
    for (PyObject *leaf : leaves) Py_DECREF(leaf);
  }
  void add_object(PyObject *object) { objects.push_back(Py_NewRef(object)); }
  void add_leaf(PyObject *leaf) { leaves.push_back(Py_NewRef(leaf)); }
  void add_value(Tag tag, PyObject *value) {
    words.push_back(word(tag));
    add_object(reinterpret_cast<PyObject *>(Py_TYPE(value)));
    add_object(value);
  }

  bool of_tensors = false;   // of PyTorch's: values that are no arrays are part of the program
  bool any_tensor = false;

  SmallVector<uint64_t, 128> words;
  SmallVector<PyObject *, 32> objects;  // static values, keys of dictionaries, structures of registered nodes
  SmallVector<PyObject *, 64> leaves;
};

enum class Outcome { kKnown, kUnknown, kError };

Outcome add_tree(PyObject *object, Key &key);

// An instance of a class that may be registered with JAX as a node.
Outcome add_node(PyObject *object, Key &key) {
  if (jax.flatten == nullptr) return Outcome::kUnknown;
  const Ref pair(PyObject_CallOneArg(jax.flatten, object));
  if (!pair) return Outcome::kError;
  PyObject *leaves = nullptr, *structure = nullptr;
  if (!PyArg_ParseTuple(pair.get(), "O!O", &PyList_Type, &leaves, &structure)) return Outcome::kError;
  if (PyList_GET_SIZE(leaves) == 1 && PyList_GET_ITEM(leaves, 0) == object) return Outcome::kUnknown;
  key.words.push_back(word(kNode));
  key.add_object(structure);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(leaves); ++i) {
    const Outcome outcome = add_tree(PyList_GET_ITEM(leaves, i), key);
    if (outcome != Outcome::kKnown) return outcome;
  }
  return Outcome::kKnown;
}

Outcome add_numpy(PyObject *leaf, Key &key) {
  auto *const array = reinterpret_cast<PyArrayObject *>(leaf);
  const int type = PyArray_TYPE(array);
  if (PyTypeNum_ISFLEXIBLE(type) || PyTypeNum_ISDATETIME(type) || type == NPY_OBJECT || !PyArray_ISNOTSWAPPED(array))
    return Outcome::kUnknown;
  key.words.push_back(word(kNumpy, static_cast<uint64_t>(type), static_cast<uint64_t>(PyArray_NDIM(array))));
  for (int i = 0; i < PyArray_NDIM(array); ++i) key.words.push_back(static_cast<uint64_t>(PyArray_DIM(array, i)));
  key.add_leaf(leaf);
  return Outcome::kKnown;
}

Outcome add_jax(PyObject *leaf, Key &key, Tag tag) {
  JaxArray found;
  if (!look_at_jax_array(leaf, found)) return Outcome::kError;
  key.words.push_back(word(tag, found.weak, found.interned));
  return Outcome::kKnown;
}

Outcome add_keys(PyObject *leaf, Key &key) {
  static PyObject *const base_name = PyUnicode_InternFromString("_base_array");
  static PyObject *const kind_name = PyUnicode_InternFromString("_impl");
  const Ref base(PyObject_GetAttr(leaf, base_name)), kind(PyObject_GetAttr(leaf, kind_name));
  if (!base || !kind) return Outcome::kError;
  if (Py_TYPE(base.get()) != jax.array_type) return Outcome::kUnknown;
  key.add_object(kind.get());
  key.add_leaf(leaf);
  return add_jax(base.get(), key, kKeys);
}

Outcome add_leaf_of(PyObject *leaf, Key &key, Tag tag) {
  key.words.push_back(word(tag));
  key.add_leaf(leaf);
  return Outcome::kKnown;
}

Outcome add_tensor(PyObject *leaf, Key &key) {
  static PyObject *const name = PyUnicode_InternFromString("requires_grad");
  key.any_tensor = true;
  TensorView view;
  if (!key.of_tensors || !look_at_tensor(leaf, view)) return Outcome::kUnknown;
  const Ref gradient(PyObject_GetAttr(leaf, name));
  if (!gradient) return Outcome::kError;
  const uint64_t type = view.type.code | view.type.bits << 8 | (gradient.get() == Py_True) << 16;
  key.words.push_back(word(kTensor, type, static_cast<uint64_t>(view.rank)));
  for (int i = 0; i < view.rank; ++i) key.words.push_back(static_cast<uint64_t>(view.shape[i]));
  key.add_leaf(leaf);
  return Outcome::kKnown;
}

// A value that is part of a program of tensors.
Outcome add_static(PyObject *value, Key &key) {
  if (PyFloat_CheckExact(value)) {  // 0.0 is not -0.0, and a NaN is itself
    uint64_t bits = 0;
    const double number = PyFloat_AS_DOUBLE(value);
    std::memcpy(&bits, &number, sizeof bits);
    key.words.push_back(word(kFloat));
    key.words.push_back(bits);
    return Outcome::kKnown;
  }
  if (!PyLong_CheckExact(value) && !PyBool_Check(value) && !PyUnicode_CheckExact(value)) return Outcome::kUnknown;
  key.add_value(kStaticPosition, value);
  return Outcome::kKnown;
}

Outcome add_children(PyObject *object, Key &key) {
  const bool is_tuple = PyTuple_CheckExact(object);
  const Py_ssize_t count = is_tuple ? PyTuple_GET_SIZE(object) : PyList_GET_SIZE(object);
  key.words.push_back(word(is_tuple ? kTuple : kList, static_cast<uint64_t>(count)));
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!is_tuple && i >= PyList_GET_SIZE(object)) return Outcome::kUnknown;  // it is being changed
    const Ref child = Ref::borrow(is_tuple ? PyTuple_GET_ITEM(object, i) : PyList_GET_ITEM(object, i));
    const Outcome outcome = add_tree(child.get(), key);
    if (outcome != Outcome::kKnown) return outcome;
  }
  return Outcome::kKnown;
}

Outcome add_dict(PyObject *object, Key &key) {
  const Py_ssize_t count = PyDict_GET_SIZE(object);
  key.words.push_back(word(kDict, static_cast<uint64_t>(count)));
  PyObject *name = nullptr, *value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(object, &at, &name, &value);) {
    if (PyDict_GET_SIZE(object) != count) return Outcome::kUnknown;  // it is being changed
    key.add_object(name);
    const Ref child = Ref::borrow(value);
    const Outcome outcome = add_tree(child.get(), key);
    if (outcome != Outcome::kKnown) return outcome;
  }
  return Outcome::kKnown;
}

Outcome add_tree(PyObject *object, Key &key) {
  PyTypeObject *const type = Py_TYPE(object);
  if (type == jax.array_type && !key.of_tensors) {
    key.add_leaf(object);
    return add_jax(object, key, kJax);
  }
  if (type == &PyArray_Type) return add_numpy(object, key);
  if (is_tensor(object)) return add_tensor(object, key);
  if (key.of_tensors && (type == &PyFloat_Type || type == &PyLong_Type || type == &PyBool_Type || type == &PyUnicode_Type))
    return add_static(object, key);
  if (type == &PyFloat_Type) return add_leaf_of(object, key, kFloat);
  if (type == &PyLong_Type) return add_leaf_of(object, key, kInt);
  if (type == &PyBool_Type) return add_leaf_of(object, key, kBool);
  if (type == &PyComplex_Type) return add_leaf_of(object, key, kComplex);
  if (object == Py_None) {
    key.words.push_back(word(kNone));
    return Outcome::kKnown;
  }
  if (type == jax.key_type && !key.of_tensors) return add_keys(object, key);
  Outcome outcome = Outcome::kError;
  if (Py_EnterRecursiveCall(" in the arguments of a compiled function")) return outcome;
  if (type == &PyTuple_Type || type == &PyList_Type) {
    outcome = add_children(object, key);
  } else if (type == &PyDict_Type) {
    outcome = add_dict(object, key);
  } else if (key.of_tensors) {
    outcome = Outcome::kUnknown;
  } else if (PyArray_CheckScalar(object)) {
    const Ref array(PyArray_FromScalar(object, nullptr));
    if (array) outcome = Py_TYPE(array.get()) == &PyArray_Type ? add_numpy(array.get(), key) : Outcome::kUnknown;
  } else {
    outcome = add_node(object, key);
  }
  Py_LeaveRecursiveCall();
  return outcome;
}

// The tree with numbers in place of leaves, in the order in which `add_tree` meets them.
PyObject *numbered(PyObject *object, Py_ssize_t &next) {
  if (object == Py_None) return Py_NewRef(object);
  PyTypeObject *const type = Py_TYPE(object);
  if (type == &PyTuple_Type || type == &PyList_Type) {
    Ref list(PyList_New(0));
    for (Py_ssize_t i = 0; list && i < PySequence_Fast_GET_SIZE(object); ++i) {
      const Ref child(numbered(PySequence_Fast_GET_ITEM(object, i), next));
      if (!child || PyList_Append(list.get(), child.get()) < 0) return nullptr;
    }
    return list.release();
  }
  if (type == &PyDict_Type) {
    Ref dict(PyDict_New());
    PyObject *name = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; dict && PyDict_Next(object, &at, &name, &value);) {
      const Ref child(numbered(value, next));
      if (!child || PyDict_SetItem(dict.get(), name, child.get()) < 0) return nullptr;
    }
    return dict.release();
  }
  const bool number = type == &PyFloat_Type || type == &PyLong_Type || type == &PyBool_Type || type == &PyComplex_Type;
  if (number || type == jax.array_type || type == jax.key_type || type == &PyArray_Type || PyArray_CheckScalar(object))
    return PyLong_FromSsize_t(next++);
  const Ref pair(PyObject_CallOneArg(jax.flatten, object));
  if (!pair) return nullptr;
  return numbered(PyTuple_GET_ITEM(pair.get(), 0), next);
}

// --- the cache ----------------------------------------------------------------------------------------------------

struct Entry {
  Entry(const Key &key, PyObject *plan, std::vector<size_t> order)
      : words(key.words.begin(), key.words.end()), plan(Ref::borrow(plan)), order(std::move(order)) {
    for (PyObject *object : key.objects) objects.push_back(Ref::borrow(object));
  }
  std::vector<uint64_t> words;
  std::vector<Ref> objects;
  Ref plan;
  std::vector<size_t> order;  // for each argument of the plan, which leaf of the key it is; empty: the same
};

struct Table {
  std::unordered_multimap<uint64_t, std::shared_ptr<Entry>> entries;
  std::vector<bool> static_positions;
  Ref static_names;
  std::vector<Ref> settings;  // of JAX or PyTorch, each that was met: its place is part of the key
  Ref on_tensors;             // what calls with tensors go to, or null
  Ref modules;                // a list, if calls are with tensors: what is in training mode decides, too
};

// More settings than anyone switches between; then the cache starts anew.
constexpr size_t kMostSettings = 64;

struct DispatcherObject {
  PyObject_HEAD
  Table *table;
  long long hits;
  unsigned long long changes;
};

DispatcherObject &of(PyObject *self) { return *reinterpret_cast<DispatcherObject *>(self); }

bool is_static(const Table &table, size_t position) {
  return position < table.static_positions.size() && table.static_positions[position];
}

void forget_all(DispatcherObject &self) {
  ++self.changes;
  Table emptied;  // destroyed after the table is in order: destructors may run Python code
  std::swap(emptied.entries, self.table->entries);
  std::swap(emptied.settings, self.table->settings);
}

Outcome add_settings(DispatcherObject &self, Key &key) {
  PyObject *const asked = key.of_tensors ? torch.settings : jax.trace_context;
  if (asked == nullptr) return Outcome::kKnown;
  Ref now(PyObject_CallNoArgs(asked));
  if (!now) return Outcome::kError;
  if (now.get() == Py_None) return Outcome::kUnknown;
  for (size_t i = 0; i < self.table->settings.size(); ++i) {
    const Ref known = Ref::borrow(self.table->settings[i].get());
    const int equal = PyObject_RichCompareBool(known.get(), now.get(), Py_EQ);
    if (equal < 0) return Outcome::kError;
    if (equal) {
      key.words.push_back(word(kSettings, i));
      return Outcome::kKnown;
    }
  }
  if (self.table->settings.size() >= kMostSettings) forget_all(self);
  key.words.push_back(word(kSettings, self.table->settings.size()));
  self.table->settings.push_back(std::move(now));
  return Outcome::kKnown;
}

Outcome add_keywords(const Table &table, PyObject *keywords, Key &key) {
  PyObject *name = nullptr, *value = nullptr;
  key.words.push_back(word(kKeywords, static_cast<uint64_t>(PyDict_GET_SIZE(keywords))));
  for (Py_ssize_t at = 0; PyDict_Next(keywords, &at, &name, &value);) {
    const int fixed = table.static_names ? PySet_Contains(table.static_names.get(), name) : 0;
    if (fixed < 0) return Outcome::kError;
    key.add_object(name);
    if (fixed) {
      key.add_value(kStaticKeyword, value);
      continue;
    }
    const Outcome outcome = add_tree(value, key);
    if (outcome != Outcome::kKnown) return outcome;
  }
  return Outcome::kKnown;
}

Outcome add_modules(PyObject *modules, Key &key) {
  static PyObject *const name = PyUnicode_InternFromString("training");
  key.words.push_back(word(kTraining));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(modules); ++i) {
    const Ref training(PyObject_GetAttr(PyList_GET_ITEM(modules, i), name));
    const int yes = training ? PyObject_IsTrue(training.get()) : -1;
    if (yes < 0) return Outcome::kError;
    if (i % 64 == 0) key.words.push_back(0);
    key.words[key.words.size() - 1] |= static_cast<uint64_t>(yes) << i % 64;
  }
  return Outcome::kKnown;
}

Outcome make_key(DispatcherObject &self, PyObject *arguments, PyObject *keywords, Key &key) {
  key.of_tensors = static_cast<bool>(self.table->modules);
  Outcome settings = add_settings(self, key);
  if (settings == Outcome::kKnown && key.of_tensors) settings = add_modules(self.table->modules.get(), key);
  if (settings != Outcome::kKnown) return settings;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i) {
    PyObject *const value = PyTuple_GET_ITEM(arguments, i);
    if (is_static(*self.table, static_cast<size_t>(i))) {
      key.add_value(kStaticPosition, value);
      continue;
    }
    const Outcome outcome = add_tree(value, key);
    if (outcome != Outcome::kKnown) return outcome;
  }
  return keywords != nullptr && PyDict_GET_SIZE(keywords) > 0 ? add_keywords(*self.table, keywords, key) : Outcome::kKnown;
}

bool hash_of(const Key &key, uint64_t &hash) {
  hash = 0xcbf29ce484222325u;
  const auto mix = [&](uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  };
  for (const uint64_t value : key.words) mix(value);
  for (PyObject *object : key.objects) {
    const Py_hash_t of_object = PyObject_Hash(object);
    if (of_object == -1) return false;
    mix(static_cast<uint64_t>(of_object));
  }
  return true;
}

Outcome equal(const Key &key, const Entry &entry) {
  if (key.words.size() != entry.words.size() || key.objects.size() != entry.objects.size()) return Outcome::kUnknown;
  if (!std::equal(key.words.begin(), key.words.end(), entry.words.begin())) return Outcome::kUnknown;
  for (size_t i = 0; i < key.objects.size(); ++i) {
    const int same = PyObject_RichCompareBool(entry.objects[i].get(), key.objects[i], Py_EQ);
    if (same <= 0) return same < 0 ? Outcome::kError : Outcome::kUnknown;
  }
  return Outcome::kKnown;
}

// The entry of a key, or null: with an exception set if a comparison failed.
std::shared_ptr<Entry> find(DispatcherObject &self, const Key &key) {
  uint64_t hash = 0;
  if (!hash_of(key, hash)) return nullptr;
  const auto range = self.table->entries.equal_range(hash);
  for (auto at = range.first; at != range.second; ++at) {
    const std::shared_ptr<Entry> entry = at->second;
    const unsigned long long before = self.changes;
    const Outcome outcome = equal(key, *entry);
    if (outcome == Outcome::kKnown) return entry;
    if (outcome == Outcome::kError || self.changes != before) return nullptr;
  }
  return nullptr;
}

PyObject *dispatcher_call(PyObject *self, PyObject *arguments, PyObject *keywords) {
  DispatcherObject &dispatcher = of(self);
  {
    Key key;
    const Outcome outcome = make_key(dispatcher, arguments, keywords, key);
    const std::shared_ptr<Entry> entry = outcome == Outcome::kKnown ? find(dispatcher, key) : nullptr;
    if (entry) {
      ++dispatcher.hits;
      if (entry->order.empty()) return run_plan(entry->plan.get(), key.leaves.data(), key.leaves.size(), true);
      SmallVector<PyObject *, 64> leaves(key.leaves.size());
      for (size_t i = 0; i < leaves.size(); ++i) leaves[i] = key.leaves[entry->order[i]];
      return run_plan(entry->plan.get(), leaves.data(), leaves.size(), true);
    }
    PyErr_Clear();  // what cannot be hashed, compared or flattened: Python says so in its own words
    if (key.any_tensor && dispatcher.table->on_tensors) {
      const Ref other = Ref::borrow(dispatcher.table->on_tensors.get());
      return PyObject_Call(other.get(), arguments, keywords);
    }
  }
  static PyObject *const name = PyUnicode_InternFromString("_call_uncached");
  const Ref named = keywords != nullptr ? Ref::borrow(keywords) : Ref(PyDict_New());
  if (!named) return nullptr;
  return PyObject_CallMethodObjArgs(self, name, arguments, named.get(), nullptr);
}

// --- what Python tells --------------------------------------------------------------------------------------------

PyObject *set_static(PyObject *self, PyObject *arguments) {
  PyObject *positions = nullptr, *names = nullptr;
  if (!PyArg_ParseTuple(arguments, "O!O!", &PyTuple_Type, &positions, &PyFrozenSet_Type, &names)) return nullptr;
  Table &table = *of(self).table;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(positions); ++i) {
    const size_t position = PyLong_AsSize_t(PyTuple_GET_ITEM(positions, i));
    if (PyErr_Occurred()) return nullptr;
    if (position >= table.static_positions.size()) table.static_positions.resize(position + 1);
    table.static_positions[position] = true;
  }
  table.static_names = PySet_GET_SIZE(names) > 0 ? Ref::borrow(names) : Ref();
  Py_RETURN_NONE;
}

PyObject *set_on_tensors(PyObject *self, PyObject *other) {
  of(self).table->on_tensors = Ref::borrow(other);
  Py_RETURN_NONE;
}

PyObject *set_modules(PyObject *self, PyObject *modules) {
  if (!PyList_Check(modules)) return PyErr_Format(PyExc_TypeError, "expected a list of modules");
  of(self).table->modules = Ref::borrow(modules);
  Py_RETURN_NONE;
}

PyObject *numbered_arguments(PyObject *self, PyObject *arguments) {
  PyObject *args = nullptr, *kwargs = nullptr;
  if (!PyArg_ParseTuple(arguments, "O!O!", &PyTuple_Type, &args, &PyDict_Type, &kwargs)) return nullptr;
  (void)self;
  Py_ssize_t next = 0;
  const Ref positional(numbered(args, next));
  const Ref named(positional ? numbered(kwargs, next) : nullptr);
  return named ? PyTuple_Pack(2, positional.get(), named.get()) : nullptr;
}

PyObject *remember(PyObject *self, PyObject *arguments) {
  PyObject *args = nullptr, *kwargs = nullptr, *plan = nullptr, *order = nullptr;
  if (!PyArg_ParseTuple(arguments, "O!O!O!O!", &PyTuple_Type, &args, &PyDict_Type, &kwargs, plan_type, &plan, &PyTuple_Type,
                        &order))
    return nullptr;
  DispatcherObject &dispatcher = of(self);
  Key key;
  uint64_t hash = 0;
  const Outcome outcome = make_key(dispatcher, args, kwargs, key);
  if (outcome == Outcome::kKnown && key.leaves.size() == static_cast<size_t>(PyTuple_GET_SIZE(order)) && hash_of(key, hash)) {
    std::vector<size_t> places;
    bool in_order = true;
    for (size_t i = 0; i < key.leaves.size(); ++i) {
      places.push_back(PyLong_AsSize_t(PyTuple_GET_ITEM(order, static_cast<Py_ssize_t>(i))));
      if (PyErr_Occurred() || places.back() >= key.leaves.size())
        return PyErr_Format(PyExc_ValueError, "the order of leaves is a permutation");
      in_order = in_order && places.back() == i;
    }
    if (in_order) places.clear();
    if (!find(dispatcher, key) && !PyErr_Occurred()) {
      touch(plan);
      ++dispatcher.changes;
      dispatcher.table->entries.emplace(hash, std::make_shared<Entry>(key, plan, std::move(places)));
    }
  }
  PyErr_Clear();  // then calls like this one stay with Python
  Py_RETURN_NONE;
}

PyObject *forget(PyObject *self, PyObject *plan) {
  DispatcherObject &dispatcher = of(self);
  ++dispatcher.changes;
  std::vector<std::shared_ptr<Entry>> gone;  // destroyed at the end: destructors may run Python code
  auto &entries = dispatcher.table->entries;
  for (auto at = entries.begin(); at != entries.end();) {
    if (plan != Py_None && at->second->plan.get() != plan) {
      ++at;
      continue;
    }
    gone.push_back(at->second);
    at = entries.erase(at);
  }
  return PyLong_FromSize_t(gone.size());
}

// --- the type -----------------------------------------------------------------------------------------------------

PyObject *dispatcher_new(PyTypeObject *type, PyObject *, PyObject *) {
  PyObject *self = type->tp_alloc(type, 0);
  if (self != nullptr) of(self).table = new Table;
  return self;
}

int dispatcher_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(Py_TYPE(self));
  if (of(self).table == nullptr) return 0;
  Py_VISIT(of(self).table->on_tensors.get());
  Py_VISIT(of(self).table->modules.get());
  for (const auto &[hash, entry] : of(self).table->entries) {
    if (entry.use_count() > 1) continue;  // a call uses it
    Py_VISIT(entry->plan.get());
    for (const Ref &object : entry->objects) Py_VISIT(object.get());
  }
  return 0;
}

int dispatcher_clear(PyObject *self) {
  if (of(self).table == nullptr) return 0;
  forget_all(of(self));
  of(self).table->on_tensors = Ref();
  return 0;
}

void dispatcher_dealloc(PyObject *self) {
  PyObject_GC_UnTrack(self);
  delete std::exchange(of(self).table, nullptr);
  PyTypeObject *type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef dispatcher_methods[] = {
    {"_set_static", set_static, METH_VARARGS, "_set_static(positions, names): which arguments are values of the program."},
    {"_set_on_tensors", set_on_tensors, METH_O, "_set_on_tensors(other): calls with PyTorch's tensors go to another one."},
    {"_set_modules", set_modules, METH_O,
     "_set_modules(modules): calls are with PyTorch's tensors, and the modes of these modules are part of the key."},
    {"_numbered", numbered_arguments, METH_VARARGS, "_numbered(args, kwargs): both with their leaves' numbers as leaves."},
    {"_remember", remember, METH_VARARGS,
     "_remember(args, kwargs, plan, order): calls like this one run the plan, on the leaves in that order."},
    {"_forget", forget, METH_O, "Forget a plan, or with None all; how many entries went."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef dispatcher_members[] = {
    {"_native_hits", T_LONGLONG, offsetof(DispatcherObject, hits), READONLY, "Calls that ran a remembered plan."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot dispatcher_slots[] = {
    {Py_tp_new, reinterpret_cast<void *>(dispatcher_new)},
    {Py_tp_dealloc, reinterpret_cast<void *>(dispatcher_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void *>(dispatcher_traverse)},
    {Py_tp_clear, reinterpret_cast<void *>(dispatcher_clear)},
    {Py_tp_call, reinterpret_cast<void *>(dispatcher_call)},
    {Py_tp_methods, dispatcher_methods},
    {Py_tp_members, dispatcher_members},
    {Py_tp_doc, const_cast<char *>("Runs the plan remembered for arguments like these, or asks `_call_uncached`.")},
    {0, nullptr},
};
PyType_Spec dispatcher_spec = {"astra_mlir._native.Dispatcher", sizeof(DispatcherObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, dispatcher_slots};

}  // namespace

bool make_dispatcher_type(PyObject *module) {
  dispatcher_type = reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &dispatcher_spec, nullptr));
  return dispatcher_type != nullptr && PyModule_AddType(module, dispatcher_type) == 0;
}

}  // namespace astra::python
