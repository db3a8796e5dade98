// The machine code this process has loaded, kept to find the source line of an instruction. CUPTI hands it
// over when a module is loaded, and not again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct SourceLine {
    std::string file;
    std::int32_t line = 0; // from 1
};

// "/build/machine/moescope/kernels/jit/a.cuh" and its like as "kernels/jit/a.cuh"; other paths as they are.
std::string source_path(std::string_view folder, std::string_view file);

class CubinStore {
  public:
    static CubinStore &of_process();

    void add(const char *cubin, std::size_t bytes) noexcept; // from CUPTI's callback
    // crc as PC sampling's records have it. Nothing where the code was compiled without line numbers.
    std::optional<SourceLine> line_of(std::uint64_t crc, const char *function, std::uint64_t pc_offset);

  private:
    struct Cubin {
        std::vector<char> bytes;
        std::optional<std::uint64_t> crc; // computed when first asked for
    };
    const Cubin *find(std::uint64_t crc);

    std::mutex mutex_;
    std::vector<Cubin> cubins_;
};

} // namespace moescope
