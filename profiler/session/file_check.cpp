#include "profiler/session/file_check.h"

#include "profiler/base/input_file.h"
#include "profiler/base/try.h"
#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>

namespace moescope {

namespace {

// The database header: https://sqlite.org/fileformat2.html, section 1.3.
class Header {
  public:
    static constexpr std::size_t kBytes = 100;
    std::array<unsigned char, kBytes> bytes{};

    bool is_sqlite() const { return std::memcmp(bytes.data(), "SQLite format 3", 16) == 0; }
    std::uint32_t application_id() const { return big_endian(68); }
    std::uint32_t schema_version() const { return big_endian(60); }
    // 0 where the header's own stamps say that the size is out of date.
    std::uint64_t file_bytes() const {
        const std::uint32_t stored = bytes[16] * 256u + bytes[17];
        const std::uint64_t page_bytes = stored == 1 ? 65536 : stored;
        return big_endian(24) == big_endian(92) ? page_bytes * big_endian(28) : 0;
    }

  private:
    std::uint32_t big_endian(std::size_t at) const {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + 4; ++i)
            value = value << 8 | bytes[i];
        return value;
    }
};

} // namespace

Status check_session_file(const std::filesystem::path &path) {
    MOESCOPE_TRY(check_regular_file(path, "name a .moescope file"));
    std::error_code failed;

    errno = 0;
    std::ifstream in(path, std::ios::binary);
    Header header;
    in.read(reinterpret_cast<char *>(header.bytes.data()), Header::kBytes);
    const auto got = in.gcount();
    const auto size = std::filesystem::file_size(path, failed);
    if (!in.is_open() || failed)
        return cannot_read(path, std::strerror(errno), "check its permissions");
    if (size == 0)
        return cannot_read(path, "it is empty", "open another copy of it");
    if (got < std::streamsize(Header::kBytes) || !header.is_sqlite())
        return cannot_read(
            path, "it is not a MoEScope session: those are SQLite databases and this is none",
            "name a .moescope file");
    if (header.application_id() != kSessionApplicationId)
        return cannot_read(path, "it is an SQLite database, but not a MoEScope session",
                           "name a .moescope file");
    if (header.schema_version() > kSessionSchemaVersion)
        return cannot_read(path,
                           fmt::format("it has schema {}, and this MoEScope ({}) knows up to {}",
                                       header.schema_version(), MOESCOPE_VERSION,
                                       kSessionSchemaVersion),
                           "open it with a newer MoEScope");
    // With a write-ahead log beside it, the log may hold the missing pages.
    std::error_code no_log;
    const bool has_log = std::filesystem::file_size(path.string() + "-wal", no_log) > 0 && !no_log;
    if (!has_log && size < header.file_bytes())
        return cannot_read(path,
                           fmt::format("it is truncated: it should have {} bytes and has {}",
                                       header.file_bytes(), size),
                           "copy it again from where it came");
    return {};
}

} // namespace moescope
