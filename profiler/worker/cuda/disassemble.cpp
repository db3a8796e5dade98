#include "profiler/worker/cuda/disassemble.h"

#include "profiler/client/child_process.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace moescope {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{30};

std::string find_tool(const char *name) {
    std::vector<fs::path> folders;
    const char *path = std::getenv("PATH");
    std::string_view rest = path ? path : "";
    while (!rest.empty()) {
        const std::size_t colon = rest.find(':');
        if (colon != 0)
            folders.emplace_back(rest.substr(0, colon));
        rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
    }
    if (const char *home = std::getenv("CUDA_HOME"))
        folders.push_back(fs::path(home) / "bin");
    folders.emplace_back("/usr/local/cuda/bin");
    for (const fs::path &folder : folders)
        if (access((folder / name).c_str(), X_OK) == 0)
            return folder / name;
    return "";
}

// A file of its own that goes with it.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::vector<char> &bytes) {
        std::error_code ignored;
        std::string name = fs::temp_directory_path(ignored) / "moescope-XXXXXX";
        const Descriptor file(mkstemp(name.data()));
        if (!file.is_open())
            return;
        path_ = name;
        std::ofstream(path_, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    }
    ~TemporaryFile() {
        std::error_code ignored;
        if (!path_.empty())
            fs::remove(path_, ignored);
    }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;
    const std::string &path() const { return path_; }

  private:
    std::string path_;
};

// What it writes until it ends.
Result<std::string> output_of(const std::vector<std::string> &argv) {
    auto child = ChildProcess::start(argv);
    if (!child)
        return child.error();
    std::array<std::string, 2> texts; // output, error
    std::array<bool, 2> at_end{};
    const std::array streams{&(*child)->output, &(*child)->error};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!at_end[0] || !at_end[1]) {
        if (std::chrono::steady_clock::now() > deadline)
            return Error{argv.front(), "it took longer than half a minute and was ended", ""};
        std::array<pollfd, 2> waits{};
        for (std::size_t i = 0; i < 2; ++i)
            waits[i] = {at_end[i] ? -1 : streams[i]->get(), POLLIN, 0};
        poll(waits.data(), waits.size(), 200);
        for (std::size_t i = 0; i < 2; ++i) {
            if (at_end[i] || waits[i].revents == 0)
                continue;
            const ReadResult read = read_available(*streams[i]);
            texts[i] += read.bytes;
            at_end[i] = read.at_end;
        }
    }
    if (texts[0].empty())
        return Error{argv.front(), texts[1].empty() ? "it wrote nothing" : texts[1], ""};
    return texts[0];
}

} // namespace

Result<std::string> disassemble(const std::vector<char> &cubin) {
    const std::string tool = find_tool("nvdisasm");
    if (tool.empty())
        return Error{"there is no machine code to read", "nvdisasm is not on PATH, in $CUDA_HOME/bin or in /usr/local/cuda/bin",
                     "install the CUDA toolkit's binary utilities"};
    const TemporaryFile file(cubin);
    if (file.path().empty())
        return Error{"there is no machine code to read", "no temporary file could be made", "make room in $TMPDIR"};
    return output_of({tool, "--print-line-info", "--print-code", file.path()});
}

} // namespace moescope
