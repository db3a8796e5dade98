# The CUDA toolkit, version 12.8 or newer. Ahead-of-time kernels are built as machine code for the
# data-centre parts and as PTX for everything newer or in between.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90-real)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
find_package(CUDAToolkit 12.8 REQUIRED)
