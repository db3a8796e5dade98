// Kernel names as people say them.
#pragma once

#include <string>
#include <string_view>

namespace moescope {

// The function's own name: without namespaces, template arguments, parameters and return type.
// "void moescope::dequant<__nv_bfloat16, 64>(moescope::DequantArgs)" gives "dequant". What is not a
// C++ name comes back whole.
std::string short_kernel_name(std::string_view name);

} // namespace moescope
