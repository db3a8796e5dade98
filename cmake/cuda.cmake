# The CUDA toolkit, version 12.8 or newer. Ahead-of-time kernels are built as machine code for the
# data-centre parts and as PTX for everything newer or in between.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80 90-real)
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20) # after enable_language: its own probe does not know the flag yet
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit 12.8 REQUIRED)
