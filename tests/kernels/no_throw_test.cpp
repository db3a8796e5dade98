#include "kernels/common/no_throw.h"

#include <catch2/catch_test_macros.hpp>

#include <new>
#include <string>
#include <system_error>

using namespace moescope;

TEST_CASE("an exception becomes a status and a message that name the function") {
    CHECK(no_throw("ms_foo", []() -> ms_status { throw std::bad_alloc(); }) == MS_HOST_ERROR);
    CHECK(std::string(ms_last_error()).starts_with("ms_foo: "));
    CHECK(no_throw("ms_foo", []() -> ms_status {
              throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
          }) == MS_HOST_ERROR);
    CHECK(no_throw("ms_foo", [] { return fail(MS_UNSUPPORTED, "no"); }) == MS_UNSUPPORTED);
    CHECK(std::string(ms_last_error()) == "no");
}
