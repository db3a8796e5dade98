/* What every operator of the C interface shares: status, dtypes, streams. */
#ifndef MOESCOPE_BASE_H
#define MOESCOPE_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MS_API __attribute__((visibility("default")))
#else
#define MS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define MS_ABI_VERSION 2

/* A cudaStream_t; null is the default stream. */
typedef struct CUstream_st *ms_stream;

typedef int32_t ms_status;
enum {
    MS_OK = 0,
    MS_INVALID_ARGUMENT = 1, /* a field is wrong; the message names it, its value and what is allowed */
    MS_UNSUPPORTED = 2,      /* valid, but not on this device or in this build */
    MS_CUDA_ERROR = 3,       /* the CUDA runtime refused a call or a launch */
    MS_COMPILE_ERROR = 4,    /* NVRTC refused a tile kernel; the message holds its log */
    MS_HOST_ERROR = 5,       /* the host ran out of memory or threads */
};

/* The last failure of the calling thread, as one sentence; "" after a success. Never null. */
MS_API const char *ms_last_error(void);
/* MS_ABI_VERSION of the library actually loaded. */
MS_API uint32_t ms_abi_version(void);

typedef int32_t ms_dtype;
enum { MS_F32 = 0, MS_F16 = 1, MS_BF16 = 2 };

#ifdef __cplusplus
}
#endif
#endif /* MOESCOPE_BASE_H */
