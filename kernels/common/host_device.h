// Functions that are compiled for the CPU by g++ and for both sides by nvcc.
#pragma once

#if defined(__CUDACC__)
#define MS_HOST_DEVICE __host__ __device__
#else
#define MS_HOST_DEVICE
#endif
