// Pretends to run kernels: gives their launches, copies and allocations plausible times, the same
// on every call.
#pragma once

#include "profiler/session/session_builder.h"
#include "tests/support/made_up_shapes.h"

#include <algorithm>
#include <string_view>

namespace moescope::test {

inline constexpr std::int64_t kStart = 1'790'000'000'000'000'000; // 2026-09-21, 13:33:20 UTC

class Random { // splitmix64
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    double uniform() { return double(next() >> 11) * 0x1.0p-53; }
    std::int64_t below(std::int64_t bound) { return std::int64_t(uniform() * double(bound)); }

  private:
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint64_t state_;
};

// Carries measurements out on a made-up clock: the host launches ahead, the device follows.
class Lab {
  public:
    Lab(SessionBuilder &builder, std::uint64_t seed) : builder_(builder), random_(seed) {}

    std::int64_t now() const { return std::max(host_ns_, device_ns_); }
    void pause(std::int64_t ns) { host_ns_ = device_ns_ = now() + ns; }

    void allocate(std::int64_t bytes, const char *label, Tag tag) {
        call("cudaMalloc", 41'000, tag);
        builder_.add(MemoryRecord{host_ns_, bytes, next_address_, builder_.intern(label), tag, run_of(tag)});
        live_.push_back({next_address_, bytes, label});
        next_address_ += std::uint64_t((bytes + 511) / 512 * 512);
    }
    void free_to(std::size_t keep, Tag tag) {
        while (live_.size() > keep) {
            const Block block = live_.back();
            live_.pop_back();
            call("cudaFree", 18'000, tag);
            builder_.add(MemoryRecord{host_ns_, -block.bytes, block.address,
                                      builder_.intern(block.label), tag, run_of(tag)});
        }
    }
    std::size_t live() const { return live_.size(); }

    struct Repetition {
        double duration_ns, kernel_ns, gap_ns;
    };
    Repetition repeat(const OperatorShape &shape, Tag tag) {
        flush_l2(tag);
        Repetition result{};
        std::int64_t first = 0, last_end = 0;
        for (const KernelShape &kernel : shape.kernels) {
            const auto [start, end] = launch(kernel, tag, last_end);
            if (first == 0)
                first = start;
            else
                result.gap_ns += double(std::max<std::int64_t>(0, start - last_end));
            result.kernel_ns += double(end - start);
            last_end = end;
        }
        result.duration_ns = double(last_end - first);
        host_ns_ = std::max(host_ns_, device_ns_ - 2000);
        call("cudaStreamSynchronize", std::max<std::int64_t>(3000, device_ns_ - host_ns_ + 1500),
             tag);
        host_ns_ += 9000;
        return result;
    }

  private:
    static constexpr std::uint32_t kProcess = 4711, kThread = 4712, kStream = 7;

    struct Block {
        std::uint64_t address;
        std::int64_t bytes;
        const char *label;
    };

    RunId run_of(Tag tag) const {
        const bool known = tag.measurement.valid();
        return known ? builder_.current().measurements[tag.measurement.value].run : RunId{};
    }
    std::uint32_t call(const char *name, std::int64_t duration_ns, Tag tag) {
        const std::uint32_t correlation = next_correlation_++;
        builder_.add(ApiRecord{host_ns_, host_ns_ + duration_ns, builder_.intern(name), correlation,
                               kProcess, kThread, tag});
        host_ns_ += duration_ns + 350;
        return correlation;
    }
    void flush_l2(Tag tag) {
        const std::uint32_t correlation = call("cudaMemsetAsync", 4100, tag);
        const std::int64_t start = std::max(device_ns_ + 900, host_ns_ + 1800);
        device_ns_ = start + 41'000 + random_.below(600);
        builder_.add(CopyRecord{start, device_ns_, 125'829'120, correlation, 0, kStream,
                                CopyRecord::Kind::Set, tag});
    }
    std::pair<std::int64_t, std::int64_t> launch(const KernelShape &kernel, Tag tag,
                                                 std::int64_t last_end) {
        const bool jit = std::string_view(kernel.name).find("::") == std::string_view::npos;
        const std::uint32_t correlation =
            call(jit ? "cuLaunchKernelEx" : "cudaLaunchKernel", 3200 + random_.below(900), tag);
        std::int64_t start = std::max(device_ns_ + 1100 + random_.below(300), host_ns_ + 1600);
        if (kernel.overlaps)
            start = last_end - 2600;
        const double noise =
            1 + 0.012 * (random_.uniform() - 0.3) + (random_.below(23) == 0 ? 0.06 : 0);
        const std::int64_t end = start + std::int64_t(kernel.duration_ns * noise);
        builder_.add(KernelRecord{.start_ns = start,
                                  .end_ns = end,
                                  .name = builder_.intern(kernel.name),
                                  .correlation = correlation,
                                  .device = 0,
                                  .stream = kStream,
                                  .tag = tag,
                                  .grid = kernel.grid,
                                  .block = kernel.block,
                                  .registers = kernel.registers,
                                  .dynamic_smem_bytes = kernel.dynamic_smem_bytes,
                                  .theoretical_occupancy = kernel.occupancy});
        device_ns_ = std::max(device_ns_, end);
        return {start, end};
    }

    SessionBuilder &builder_;
    Random random_;
    std::int64_t host_ns_ = kStart, device_ns_ = kStart;
    std::uint32_t next_correlation_ = 101;
    std::uint64_t next_address_ = 0x7f5e00000000;
    std::vector<Block> live_;
};

} // namespace moescope::test
