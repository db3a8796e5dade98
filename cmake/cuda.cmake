# The CUDA toolkit, version 12.8 or newer. Ahead-of-time kernels are built as machine code for the
# data-centre parts and as PTX for everything newer or in between.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90-real)
endif()
enable_language(CUDA)
if(CMAKE_CUDA_ARCHITECTURES STREQUAL native AND NOT CMAKE_CUDA_ARCHITECTURES_NATIVE)
    message(WARNING "No GPU found to build for: building for sm_80 and sm_90 instead of the native architecture.")
    set(CMAKE_CUDA_ARCHITECTURES 80 90-real)
endif()
# Debian 12's CMake (3.25.1) does not know that nvcc has C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit 12.8 REQUIRED)
