#include "kernels/jit/tensor_map.h"

#include "kernels/common/cuda_check.h"

#include <cuda.h>

#include <string>

namespace moescope::jit {

namespace {

static_assert(sizeof(TensorMap) == sizeof(CUtensorMap));

using Encode = decltype(&cuTensorMapEncodeTiled);

// Through the runtime, so that nothing links the driver's own library.
ms_status find_encoder(Encode &encode) {
    static constexpr unsigned kSince = 12000;
    void *function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    MS_CUDA_TRY(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, kSince,
                                                 cudaEnableDefault, &found));
    if (found != cudaDriverEntryPointSuccess || !function)
        return fail(MS_UNSUPPORTED, "this driver has no cuTensorMapEncodeTiled; the wgmma family "
                                    "needs a driver for CUDA 12 or newer");
    encode = reinterpret_cast<Encode>(function);
    return MS_OK;
}

} // namespace

ms_status encode_tensor_map(const TensorLayout &layout, TensorMap &map) {
    static Encode encode = nullptr; // the same for every thread
    if (!encode)
        if (const ms_status status = find_encoder(encode); status != MS_OK)
            return status;
    const cuuint64_t sizes[] = {layout.sizes[0], layout.sizes[1], layout.sizes[2]};
    const cuuint64_t strides[] = {layout.row_elements * 2, layout.row_elements * layout.sizes[1] * 2};
    const cuuint32_t box[] = {64, layout.box_rows, 1}, steps[] = {1, 1, 1};
    const CUresult result = encode(
        reinterpret_cast<CUtensorMap *>(&map),
        layout.dtype == MS_BF16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
        3, const_cast<void *>(layout.data), sizes, strides, box, steps,
        CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, 
        layout.l2_bytes == 256 ? CU_TENSOR_MAP_L2_PROMOTION_L2_256B
                               : CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result == CUDA_SUCCESS)
        return MS_OK;
    return fail(MS_CUDA_ERROR, "cuTensorMapEncodeTiled refused a tensor of " +
                                   std::to_string(layout.sizes[0]) + " x " +
                                   std::to_string(layout.sizes[1]) + " x " +
                                   std::to_string(layout.sizes[2]) + ": error " +
                                   std::to_string(int(result)));
}

} // namespace moescope::jit
