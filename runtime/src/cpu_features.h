// What this processor and its operating system can execute.
#pragma once

#include <string>
#include <string_view>

namespace astra {

// Features of a comma-separated list (LLVM's names with a leading +, others are passed over) that are not here, or not
// known to this runtime; empty when code that needs the list may run.
std::string missing_features(std::string_view required);

// The architecture as target triples begin with it.
std::string_view architecture();

}  // namespace astra
