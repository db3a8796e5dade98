// Cubins on disk. An entry is two files; the text file is written last and holds the cubin's size
// and checksum, so that a torn or damaged entry reads as absent.
#pragma once

#include "kernels/jit/compiler.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace moescope::jit {

// 64-bit FNV-1a; `seed` gives independent hashes of one text.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

// Fills bytes, resources and log. False if there is no intact entry.
bool read_cached(const std::string &folder, const std::string &key, Cubin &cubin);

// Best effort: a full disk or a folder that cannot be written leaves no entry, and no damaged one.
void write_cached(const std::string &folder, const Cubin &cubin, const std::string &options);

// One process compiles an entry while the others that want it wait: ranks of one machine begin with the same kernels.
// The system releases what a process that ended held. Where nothing can be locked, nobody waits.
class EntryLock {
  public:
    // Waits no longer than `limit`.
    EntryLock(const std::string &folder, const std::string &key, std::chrono::milliseconds limit = kLongest);
    ~EntryLock();
    EntryLock(const EntryLock &) = delete;
    EntryLock &operator=(const EntryLock &) = delete;

    bool waited() const { return waited_; } // for another one, whose entry may be there now
    bool held() const { return held_; }

    static constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(5);

  private:
    std::string path_;
    int file_ = -1;
    bool waited_ = false, held_ = false;
};

} // namespace moescope::jit
