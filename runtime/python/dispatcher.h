#pragma once

#include "common.h"

namespace astra::python {

bool make_dispatcher_type(PyObject *module);

}  // namespace astra::python
