// Hopper's own instructions (sm_90a): mbarriers, the tensor memory accelerator, warpgroup products.
// Names and operand orders: PTX ISA 8.5.
#pragma once

#include "ptx.jit.cuh"

namespace ptx {

// ---- mbarrier
// ------------------------------------------------------------------------------------

__device__ __forceinline__ void mbarrier_init(u32 barrier, u32 arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
// Makes initialised barriers visible to the asynchronous engines and to the cluster.
__device__ __forceinline__ void fence_barrier_init() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void mbarrier_arrive(u32 barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}
// Arrives, and makes the phase wait for `bytes` more from the copy engine.
__device__ __forceinline__ void mbarrier_arrive_expect(u32 barrier, u32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
                 : "memory");
}
// Arrives once every cp.async this thread issued so far has landed. The barrier counts it as one of
// its expected arrivals (noinc).
__device__ __forceinline__ void mbarrier_arrive_after_copies(u32 barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
}
__device__ __forceinline__ void cp_async_wait_all() {
    asm volatile("cp.async.wait_all;" ::: "memory");
}
__device__ __forceinline__ bool mbarrier_try_wait(u32 barrier, u32 parity) {
    u32 done;
    asm volatile("{ .reg .pred p;"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;"
                 "selp.u32 %0, 1, 0, p; }"
                 : "=r"(done)
                 : "r"(barrier), "r"(parity)
                 : "memory");
    return done;
}
// Waits for the end of the phase of this parity. MS_WAIT_LIMIT, while debugging: polls before a trap.
__device__ __forceinline__ void mbarrier_wait(u32 barrier, u32 parity) {
#ifdef MS_WAIT_LIMIT
    for (u32 polls = 0; !mbarrier_try_wait(barrier, parity); ++polls)
        if (polls > MS_WAIT_LIMIT)
            asm volatile("trap;");
#else
    while (!mbarrier_try_wait(barrier, parity)) {
    }
#endif
}

// ---- The copy engine
// -----------------------------------------------------------------------------

// A CUtensorMap, opaque here.
struct alignas(64) TensorMap {
    u64 opaque[16];
};

__device__ __forceinline__ void prefetch_tensor_map(const TensorMap &map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}
__device__ __forceinline__ u64 evict_first_policy() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}
__device__ __forceinline__ u64 evict_last_policy() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}
__device__ __forceinline__ u64 evict_normal_policy() {
    u64 policy;
    asm("createpolicy.fractional.L2::evict_unchanged.b64 %0, 1.0;" : "=l"(policy));
    return policy;
}
// One box of a three-dimensional tensor to shared memory; its bytes count towards the barrier.
__device__ __forceinline__ void tma_load_3d(u32 shared, const TensorMap &map, u32 barrier, int x, int y,
                                            int z, u64 policy) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes"
                 ".L2::cache_hint [%0], [%1, {%3, %4, %5}], [%2], %6;" ::"r"(shared),
                 "l"(&map), "r"(barrier), "r"(x), "r"(y), "r"(z), "l"(policy)
                 : "memory");
}

// Of a kernel that was launched to begin early: waits until the grids before it have ended, and what
// they wrote can be read. Every block must, or the stream would go on before those grids have ended.
__device__ __forceinline__ void wait_for_earlier_grids() {
    asm volatile("griddepcontrol.wait;" ::: "memory");
}

// ---- Warpgroups
// ----------------------------------------------------------------------------------

template <int kRegisters> __device__ __forceinline__ void take_registers() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters> __device__ __forceinline__ void give_registers() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kId> __device__ __forceinline__ void named_barrier(u32 threads) {
    asm volatile("bar.sync %0, %1;" ::"n"(kId), "r"(threads) : "memory");
}

// Orders this thread's view of ordinary shared memory before what asynchronous engines read next.
__device__ __forceinline__ void fence_async_proxy() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void wgmma_fence() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void wgmma_commit() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kPending> __device__ __forceinline__ void wgmma_wait() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
// Keeps the compiler from moving uses of an accumulator over a wait.
template <int kCount> __device__ __forceinline__ void pin(float (&values)[kCount]) {
#pragma unroll
    for (int i = 0; i < kCount; ++i)
        asm volatile("" : "+f"(values[i])::"memory");
}

// In place, which the compiler may not see by itself between two groups of products.
template <int kCount> __device__ __forceinline__ void scale(float (&values)[kCount], float factor) {
#pragma unroll
    for (int i = 0; i < kCount; ++i)
        asm volatile("mul.f32 %0, %0, %1;" : "+f"(values[i]) : "f"(factor) : "memory");
}

// A matrix in shared memory in rows of 128 bytes with the 128-byte swizzle, 8 rows an atom of 1024
// bytes (address aligned to 1024). K-major: rows are M (or N), 64 elements of k each. MN-major: rows
// are k, 64 elements of M each. Either way atoms follow each other at 1024 bytes along the rows.
__device__ __forceinline__ u64 swizzled_matrix(u32 shared) {
    return u64((shared & 0x3FFFF) >> 4) | u64(1) << 16 | u64(1024 >> 4) << 32 | u64(1) << 62;
}

// Four 8x8 matrices of 16-bit elements from fragments as an mma leaves them, each transposed: lanes
// 8i..8i+7 hold the addresses of the rows of the stored matrix i.
__device__ __forceinline__ void stmatrix_x4_trans(u32 shared, u32 r0, u32 r1, u32 r2, u32 r3) {
    asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared),
                 "r"(r0), "r"(r1), "r"(r2), "r"(r3)
                 : "memory");
}
__device__ __forceinline__ void stmatrix_x2_trans(u32 shared, u32 r0, u32 r1) {
    asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(shared),
                 "r"(r0), "r"(r1)
                 : "memory");
}

} // namespace ptx
