// A thin layer over the PTX instructions that tile kernels use; no toolkit header is needed at run
// time. Instruction names, operand orders and fragment layouts: PTX ISA 8.5.
//
// Every statement that touches memory is volatile and clobbers memory, so that the compiler keeps
// it on its side of a barrier; mma is a pure function of registers and may move freely.
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
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared),
                 "l"(global), "r"(bytes)
                 : "memory");
}
__device__ __forceinline__ void cp_async_commit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kPending> __device__ __forceinline__ void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// Lets a kernel that was launched to follow this one early (Hopper) begin once every block of this
// grid has said so or ended. It still has to wait for what this grid writes.
__device__ __forceinline__ void launch_dependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ void store_shared_16(u32 shared, uint4 value) {
    asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(shared), "r"(value.x),
                 "r"(value.y), "r"(value.z), "r"(value.w)
                 : "memory");
}
__device__ __forceinline__ void store_shared_4(u32 shared, u32 value) {
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(shared), "r"(value) : "memory");
}
__device__ __forceinline__ void load_shared(u32 (&v)[1], u32 shared) {
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(v[0]) : "r"(shared) : "memory");
}
__device__ __forceinline__ void load_shared(u32 (&v)[2], u32 shared) {
    asm volatile("ld.shared.v2.b32 {%0, %1}, [%2];"
                 : "=r"(v[0]), "=r"(v[1])
                 : "r"(shared)
                 : "memory");
}
__device__ __forceinline__ void load_shared(u32 (&v)[4], u32 shared) {
    asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(shared)
                 : "memory");
}

// Four 8x8 matrices of 16-bit elements. Lanes 8i..8i+7 hold the addresses of the rows of matrix i;
// lane l receives elements (l/4, 2*(l%4)) and the one after it of each.
__device__ __forceinline__ void ldmatrix_x4(u32 (&r)[4], u32 shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared)
                 : "memory");
}
// The same, each matrix transposed: lane l receives (2*(l%4), l/4) and the one below it.
__device__ __forceinline__ void ldmatrix_x4_trans(u32 (&r)[4], u32 shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared)
                 : "memory");
}
// Two matrices; the addresses of lanes 16..31 are not used.
__device__ __forceinline__ void ldmatrix_x2(u32 &r0, u32 &r1, u32 shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(r0), "=r"(r1)
                 : "r"(shared)
                 : "memory");
}

// d += a * b: a 16x16 row-major, b 16x8 column-major, d 16x8 in float32. With g = lane/4 and
// t = lane%4: a = {(g, 2t), (g+8, 2t), (g, 2t+8), (g+8, 2t+8)}, b = {(2t, g), (2t+8, g)} (pairs
// along k), d = {(g, 2t), (g, 2t+1), (g+8, 2t), (g+8, 2t+1)}.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void mma_f16(float (&d)[4], const u32 (&a)[4], u32 b0, u32 b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Adds without waiting for the old value.
__device__ __forceinline__ void atomic_add(float *target, float value) {
    asm volatile("red.global.add.f32 [%0], %1;" ::"l"(target), "f"(value) : "memory");
}

// The same for 16 aligned bytes; one instruction where the device has it.
__device__ __forceinline__ void atomic_add_4(float *target, float4 value) {
#if __CUDA_ARCH__ >= 900
    asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(target), "f"(value.x),
                 "f"(value.y), "f"(value.z), "f"(value.w)
                 : "memory");
#else
    atomic_add(target, value.x);
    atomic_add(target + 1, value.y);
    atomic_add(target + 2, value.z);
    atomic_add(target + 3, value.w);
#endif
}

// In a kernel launched before those it depends on have ended: waits for them, and sees their writes.
__device__ __forceinline__ void wait_for_earlier_kernels() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Rounding to nearest even, and exact widening.
__device__ __forceinline__ u16 bf16_from_float(float value) {
    u16 bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
__device__ __forceinline__ u16 f16_from_float(float value) {
    u16 bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
// Two at once: `low` into the lower half.
__device__ __forceinline__ u32 bf16_pair_from_floats(float low, float high) {
    u32 bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}
__device__ __forceinline__ u32 f16_pair_from_floats(float low, float high) {
    u32 bits;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}
__device__ __forceinline__ float float_from_bf16(u16 bits) {
    return __uint_as_float(u32(bits) << 16);
}
__device__ __forceinline__ float float_from_f16(u16 bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

} // namespace ptx
