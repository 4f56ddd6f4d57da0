#pragma once

#include "common.h"

namespace astra::python {

bool make_launches_type(PyObject *module);

}  // namespace astra::python
