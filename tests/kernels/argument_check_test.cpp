#include "kernels/common/argument_check.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <limits>

using namespace moescope;

namespace {
std::string message_of(const ArgumentCheck &check) {
    REQUIRE(check.status() == MS_INVALID_ARGUMENT);
    return ms_last_error();
}
ArgumentCheck check() { return ArgumentCheck("ms_foo"); }
} // namespace

TEST_CASE("a broken rule is one sentence with the field, the value and what is allowed") {
    CHECK(message_of(check().range("top_k", 9, 1, 8, "experts")) ==
          "ms_foo: top_k is 9; it must be from 1 to 8 (experts)");
    CHECK(message_of(check().range("tokens", 0, 1, std::numeric_limits<std::int64_t>::max())) ==
          "ms_foo: tokens is 0; it must be at least 1");
    CHECK(message_of(check().multiple_of("k", 12, 8)) ==
          "ms_foo: k is 12; it must be a multiple of 8");
    CHECK(message_of(check().one_of("variant", 4, {0, 1})) ==
          "ms_foo: variant is 4; it must be one of 0, 1");
    CHECK(message_of(check().dtype("dtype", MS_F32, {MS_F16, MS_BF16})) ==
          "ms_foo: dtype is 0 (MS_F32); it must be one of MS_F16, MS_BF16");
    CHECK(message_of(check().finite_from("renorm_epsilon", -1.0f, 0.0f)) ==
          "ms_foo: renorm_epsilon is -1; it must be finite and at least 0");
    CHECK(message_of(check().finite("scaling", std::numeric_limits<float>::quiet_NaN())) ==
          "ms_foo: scaling is nan; it must be finite");
    CHECK(message_of(check().pointer("ids", nullptr, 4)) ==
          "ms_foo: ids is null; it must be an array");
    CHECK(message_of(check().optional_pointer("x", reinterpret_cast<void *>(0x1002), 4)) ==
          "ms_foo: x is 0x1002; it must be aligned to 4 bytes");
}

TEST_CASE("only the first broken rule is reported, and success clears the message") {
    CHECK(message_of(check().range("a", 0, 1, 2).range("b", 0, 1, 2).multiple_of("c", 1, 2)) ==
          "ms_foo: a is 0; it must be from 1 to 2");
    CHECK(check().range("a", 1, 1, 1).optional_pointer("x", nullptr, 16).status() == MS_OK);
    CHECK(std::string(ms_last_error()).empty());
}

TEST_CASE("arguments of another size than this version's are refused") {
    ms_tile_schedule_args args{}, full{};
    args.struct_size = 3;
    CHECK(message_of(check().read(&args, full)) == "ms_foo: struct_size is 3; it must be " +
                                                       std::to_string(sizeof args) +
                                                       " (sizeof the args struct)");
    CHECK(message_of(check().read<ms_tile_schedule_args>(nullptr, full)) ==
          "ms_foo: args is null; it must be a struct of arguments");
    args.struct_size = sizeof args;
    args.experts = 5;
    CHECK(check().read(&args, full).status() == MS_OK);
    CHECK(full.experts == 5);
}
