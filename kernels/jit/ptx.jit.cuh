// A thin layer over the PTX instructions that tile kernels use; no toolkit header is needed at run
// time. Instruction names and operand orders: PTX ISA 8.5.
#pragma once

namespace ptx {

using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

// Address of shared memory as the 32-bit shared-window address that PTX wants.
__device__ __forceinline__ u32 shared_address(const void *pointer) {
    return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

// 16 bytes global -> shared, past L1; zero-filled where !valid (source is not read then).
__device__ __forceinline__ void cp_async_16(u32 shared, const void *global, bool valid) {
    const int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(bytes));
}
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;"); }
template <int kPending> __device__ __forceinline__ void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending));
}

} // namespace ptx
