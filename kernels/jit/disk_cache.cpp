#include "kernels/jit/disk_cache.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace moescope::jit {

namespace {

namespace fs = std::filesystem;

constexpr const char *kFormat = "moescope cubin 1";

std::string hex(std::uint64_t value) {
    std::ostringstream text;
    text << std::hex << value;
    return text.str();
}

bool read_file(const fs::path &path, std::string &content) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return false;
    content.assign(std::istreambuf_iterator<char>(file), {});
    return !file.bad();
}

// Written beside its place and renamed into it: a reader sees the old file, the new one, or none.
bool write_file(const fs::path &path, std::string_view content) {
    static std::atomic<int> serial{0};
    fs::path temporary = path;
    temporary += ".tmp." + std::to_string(getpid()) + "." + std::to_string(serial++);
    std::error_code error;
    {
        std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
        file.write(content.data(), std::streamsize(content.size()));
        file.close();
        if (file.fail()) {
            fs::remove(temporary, error);
            return false;
        }
    }
    fs::rename(temporary, path, error);
    if (!error)
        return true;
    fs::remove(temporary, error);
    return false;
}

std::string describe(const Cubin &cubin, const std::string &options) {
    std::ostringstream text;
    text << kFormat << '\n'
         << "kernel " << cubin.kernel << '\n'
         << "bytes " << cubin.bytes.size() << '\n'
         << "checksum " << hex(hash_bytes({cubin.bytes.data(), cubin.bytes.size()})) << '\n'
         << "registers " << cubin.resources.registers << '\n'
         << "spill_bytes " << cubin.resources.spill_bytes << '\n'
         << "stack_bytes " << cubin.resources.stack_bytes << '\n'
         << "static_smem_bytes " << cubin.resources.static_smem_bytes << '\n'
         << "options " << options << '\n'
         << "log\n"
         << cubin.log;
    return text.str();
}

// "NAME VALUE" on the next line.
template <class T> bool read_field(std::istream &text, const char *name, T &value) {
    std::string line, word;
    if (!std::getline(text, line))
        return false;
    std::istringstream fields(line);
    return fields >> word && word == name && fields >> value;
}

} // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
    std::uint64_t hash = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
    for (unsigned char byte : bytes)
        hash = (hash ^ byte) * 0x100000001b3u;
    return hash;
}

bool read_cached(const std::string &folder, const std::string &key, Cubin &cubin) {
    std::string content, description;
    if (folder.empty() || !read_file(fs::path(folder) / (key + ".txt"), description) ||
        !read_file(fs::path(folder) / (key + ".cubin"), content))
        return false;
    std::istringstream text(description);
    std::string line, kernel, checksum;
    std::size_t bytes = 0;
    ResourceReport resources;
    const bool intact =
        std::getline(text, line) && line == kFormat && read_field(text, "kernel", kernel) &&
        read_field(text, "bytes", bytes) && read_field(text, "checksum", checksum) &&
        read_field(text, "registers", resources.registers) &&
        read_field(text, "spill_bytes", resources.spill_bytes) &&
        read_field(text, "stack_bytes", resources.stack_bytes) &&
        read_field(text, "static_smem_bytes", resources.static_smem_bytes) &&
        std::getline(text, line) && line.starts_with("options ") && std::getline(text, line) &&
        line == "log" && bytes == content.size() && checksum == hex(hash_bytes(content));
    if (!intact)
        return false;
    cubin.key = key;
    cubin.kernel = kernel;
    cubin.bytes.assign(content.begin(), content.end());
    cubin.resources = resources;
    cubin.log.assign(std::istreambuf_iterator<char>(text), {});
    return true;
}

void write_cached(const std::string &folder, const Cubin &cubin, const std::string &options) {
    if (folder.empty())
        return;
    std::error_code error;
    fs::create_directories(folder, error);
    const fs::path base = fs::path(folder) / cubin.key;
    fs::path description = base, content = base;
    description += ".txt";
    content += ".cubin";
    if (write_file(content, {cubin.bytes.data(), cubin.bytes.size()}))
        write_file(description, describe(cubin, options));
}

EntryLock::EntryLock(const std::string &folder, const std::string &key,
                     std::chrono::milliseconds limit) {
    if (folder.empty())
        return;
    std::error_code error;
    fs::create_directories(folder, error);
    path_ = (fs::path(folder) / (key + ".lock")).string();
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const auto until = std::chrono::steady_clock::now() + limit;
    while (file_ >= 0 && !(held_ = flock(file_, LOCK_EX | LOCK_NB) == 0)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return;
        waited_ = true;
        if (std::chrono::steady_clock::now() >= until)
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

EntryLock::~EntryLock() {
    if (held_)
        unlink(path_.c_str()); // who waits on the old file finds the entry
    if (file_ >= 0)
        close(file_);
}

std::string cache_folder() {
    const auto folder = [](const char *variable, const char *below) -> std::string {
        const char *value = std::getenv(variable);
        return value && *value ? std::string(value) + below : "";
    };
    for (const auto &[variable, below] : {std::pair{"MOESCOPE_CACHE_DIR", ""},
                                          {"XDG_CACHE_HOME", "/moescope"},
                                          {"HOME", "/.cache/moescope"}})
        if (std::string path = folder(variable, below); !path.empty())
            return path;
    return "";
}

} // namespace moescope::jit
