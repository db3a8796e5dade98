// Checking an operator's arguments, the same way for every operator, on the GPU and on the CPU.
//
//     ms_foo_args full;
//     ArgumentCheck check("ms_foo");
//     check.read(args, full)
//         .range("experts", full.experts, 1, 4096)
//         .pointer("ids", full.ids, alignof(int32_t));
//     return check.status();
//
// The first rule that is broken is reported, as one sentence with the field, its value and what is
// allowed; the rules after it are not looked at.
#pragma once

#include "kernels/common/status.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace moescope {

class ArgumentCheck {
  public:
    explicit ArgumentCheck(const char *function) : function_(function) {}

    bool failed() const { return !message_.empty(); }

    // Copies the arguments if their struct_size is this version's; leaves zeros otherwise.
    template <class Args> ArgumentCheck &read(const Args *args, Args &full) {
        full = accept_size(args, args ? args->struct_size : 0, sizeof(Args)) ? *args : Args{};
        return *this;
    }

    // low <= value <= high. `why` names what set the limit: "experts", "the warp variant" ...
    ArgumentCheck &range(const char *field, std::int64_t value, std::int64_t low, std::int64_t high,
                         const char *why = nullptr);
    ArgumentCheck &multiple_of(const char *field, std::int64_t value, std::int64_t factor,
                               const char *why = nullptr);
    ArgumentCheck &one_of(const char *field, std::int64_t value,
                          std::initializer_list<std::int64_t> allowed);
    ArgumentCheck &dtype(const char *field, ms_dtype value,
                         std::initializer_list<ms_dtype> allowed);
    // low <= value and finite; NaN is refused.
    ArgumentCheck &finite_from(const char *field, float value, float low);
    ArgumentCheck &finite(const char *field, float value);
    // Not null, and aligned to `alignment` bytes.
    ArgumentCheck &pointer(const char *field, const void *value, std::size_t alignment);
    // Null, or aligned to `alignment` bytes.
    ArgumentCheck &optional_pointer(const char *field, const void *value, std::size_t alignment);
    // Any other rule: "field is VALUE; it must be ALLOWED".
    ArgumentCheck &require(bool holds, const char *field, const std::string &value,
                           const std::string &allowed);

    // Reports the broken rule, if any, to ms_last_error().
    ms_status status() const;

  private:
    bool accept_size(const void *args, std::uint32_t struct_size, std::size_t full_size);

    const char *function_;
    std::string message_;
};

} // namespace moescope
