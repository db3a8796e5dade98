# Warnings are errors for our own targets only; third-party targets never link this.
add_library(moescope_warnings INTERFACE)
target_compile_options(
    moescope_warnings
    INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers>
              $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Wno-missing-field-initializers>)

# Optimised, g++ 12 sees overlapping copies in std::string's own insert and replace (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(moescope_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

# What the optimiser believes it sees differs from one g++ to the next: shown, but no reason to stop a
# build with a compiler that nobody here has tried.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    foreach(warning array-bounds dangling-pointer free-nonheap-object maybe-uninitialized null-dereference
                    stringop-overflow stringop-overread use-after-free)
        target_compile_options(moescope_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-error=${warning}>)
    endforeach()
endif()
