// What the GPU tests share: device memory with red zones, poison, conversions and comparison. Host
// code only; every CUDA call that fails ends the test.
#pragma once

#include "kernels/common/float_types.h"
#include "tests/kernels/compare.h"

#include <catch2/catch_all.hpp>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace moescope::test {

// First line of every GPU test.
inline void skip_without_gpu() {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
        SKIP("no CUDA device");
}

inline void require_cuda(cudaError_t status) {
    INFO(cudaGetErrorString(status));
    REQUIRE(status == cudaSuccess);
}

// Of tests of arrays beyond 2^31 elements.
inline void skip_without_memory(std::size_t bytes) {
    constexpr std::size_t kRoom = std::size_t(1) << 28;
    std::size_t free = 0, total = 0;
    require_cuda(cudaMemGetInfo(&free, &total));
    if (free < bytes + kRoom)
        SKIP("needs " + std::to_string((bytes + kRoom) >> 20) + " MiB of free device memory");
}

// Waits for the device; a kernel that faulted fails the test here.
inline void synchronize() { require_cuda(cudaDeviceSynchronize()); }

// An array in device memory between two red zones. Starts poisoned, so that an element a kernel
// forgot to write never passes for a result; an element written outside the array breaks a zone.
template <class T> class DeviceArray {
  public:
    explicit DeviceArray(std::size_t count) : count_(count) {
        require_cuda(cudaMalloc(reinterpret_cast<void **>(&block_), bytes() + 2 * kRedZone));
        require_cuda(cudaMemset(block_, kPoison, bytes() + 2 * kRedZone));
    }
    explicit DeviceArray(const std::vector<T> &host) : DeviceArray(host.size()) { upload(host); }
    ~DeviceArray() { cudaFree(block_); }
    DeviceArray(const DeviceArray &) = delete;
    DeviceArray &operator=(const DeviceArray &) = delete;

    // 256-byte aligned. An empty array has an address too.
    T *data() { return reinterpret_cast<T *>(block_ + kRedZone); }
    std::size_t size() const { return count_; }
    std::size_t bytes() const { return count_ * sizeof(T); }

    void upload(const std::vector<T> &host) {
        REQUIRE(host.size() == count_);
        require_cuda(cudaMemcpy(data(), host.data(), bytes(), cudaMemcpyHostToDevice));
    }

    void poison() { require_cuda(cudaMemset(data(), kPoison, bytes())); }

    // Waits for the device, checks the red zones and copies the array back.
    std::vector<T> download() {
        synchronize();
        CHECK(red_zones_intact());
        std::vector<T> host(count_);
        require_cuda(cudaMemcpy(host.data(), data(), bytes(), cudaMemcpyDeviceToHost));
        return host;
    }

    bool red_zones_intact() {
        std::vector<std::uint8_t> zone(kRedZone);
        for (std::uint8_t *start : {block_, block_ + kRedZone + bytes()}) {
            require_cuda(cudaMemcpy(zone.data(), start, kRedZone, cudaMemcpyDeviceToHost));
            for (std::uint8_t byte : zone)
                if (byte != kPoison)
                    return false;
        }
        return true;
    }

  private:
    static constexpr std::size_t kRedZone = 256;
    static constexpr int kPoison = 0xC7; // -102286 as float32, negative as int32, odd as bf16
    std::uint8_t *block_ = nullptr;
    std::size_t count_;
};

using Random = std::mt19937_64;

inline std::vector<float> uniform_values(std::size_t count, float low, float high, Random &random) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(count);
    for (float &value : values)
        value = distribution(random);
    return values;
}

inline std::vector<std::int32_t> uniform_ints(std::size_t count, std::int32_t low,
                                              std::int32_t high, Random &random) {
    std::uniform_int_distribution<std::int32_t> distribution(low, high); // both ends included
    std::vector<std::int32_t> values(count);
    for (std::int32_t &value : values)
        value = distribution(random);
    return values;
}

// The bytes of an array of dtype, and back.
inline std::vector<std::uint8_t> encode(const std::vector<float> &values, ms_dtype dtype) {
    std::vector<std::uint8_t> bytes(values.size() * std::size_t(size_of(dtype)));
    for (std::size_t i = 0; i < values.size(); ++i)
        store_from_float(bytes.data(), dtype, std::int64_t(i), values[i]);
    return bytes;
}

inline std::vector<float> decode(const std::vector<std::uint8_t> &bytes, ms_dtype dtype) {
    std::vector<float> values(bytes.size() / std::size_t(size_of(dtype)));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = load_as_float(bytes.data(), dtype, std::int64_t(i));
    return values;
}

} // namespace moescope::test
