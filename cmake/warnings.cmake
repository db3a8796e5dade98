# Warnings are errors for our own targets only; third-party targets never link this.
add_library(moescope_warnings INTERFACE)
target_compile_options(
    moescope_warnings
    INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers>
              $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Wno-missing-field-initializers>)
