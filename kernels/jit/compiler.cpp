#include "kernels/jit/compiler.h"

#include "kernels/common/status.h"
#include "kernels/jit/disk_cache.h"
#include "kernels/jit/embedded_sources.h"

#include <nvrtc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace moescope::jit {

namespace {

// One kernel of this process: compiled once by whoever comes first, while the others wait.
struct Entry {
    std::mutex mutex;
    bool done = false;
    ms_status status = MS_OK;
    std::string message;
    std::shared_ptr<const Cubin> cubin;
};

struct Entries {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<Entry>> by_key;
};

Entries &entries() {
    static Entries all;
    return all;
}

std::shared_ptr<Entry> entry_for(const std::string &key) {
    const std::scoped_lock lock(entries().mutex);
    std::shared_ptr<Entry> &entry = entries().by_key[key];
    if (!entry)
        entry = std::make_shared<Entry>();
    return entry;
}

const char *find_source(std::string_view name) {
    for (int i = 0; i < kEmbeddedSourceCount; ++i)
        if (name == kEmbeddedSources[i].name)
            return kEmbeddedSources[i].text;
    return nullptr;
}

const char *text_of(std::string_view name, const std::vector<Edit> &edits) {
    for (const Edit &edit : edits)
        if (edit.source == name)
            return edit.text.c_str();
    return find_source(name);
}

std::vector<std::string> options_of(const Request &request) {
    std::vector<std::string> options = {
        "--gpu-architecture=" + request.arch, "--std=c++17", "--generate-line-info",
        "-Xptxas=-v"}; // puts the resource report into the program log
    for (const std::string &define : request.defines)
        options.push_back("-D" + define);
    return options;
}

std::string join(const std::vector<std::string> &words) {
    std::string line;
    for (const std::string &word : words)
        line += (line.empty() ? "" : " ") + word;
    return line;
}

std::string hash_text(const std::string &content) {
    char key[33];
    std::snprintf(key, sizeof key, "%016llx%016llx",
                  static_cast<unsigned long long>(hash_bytes(content)),
                  static_cast<unsigned long long>(hash_bytes(content, 1)));
    return key;
}

thread_local const EditedSources *current_edits = nullptr;

const std::vector<Edit> &edits_now() {
    static const std::vector<Edit> none;
    return current_edits ? current_edits->edits() : none;
}

// Everything that decides the cubin's bytes.
std::string key_of(const Request &request, const std::string &options) {
    int major = 0, minor = 0;
    nvrtcVersion(&major, &minor);
    std::string content = "NVRTC " + std::to_string(major) + "." + std::to_string(minor) + "\n" +
                          request.source + "\n" + request.kernel + "\n" + options;
    for (int i = 0; i < kEmbeddedSourceCount; ++i) // a source may include any other
        content += std::string("\n") + kEmbeddedSources[i].name + "\n" +
                   text_of(kEmbeddedSources[i].name, edits_now());
    return hash_text(content);
}

class Program {
  public:
    Program() = default;
    ~Program() { nvrtcDestroyProgram(&program_); }
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    nvrtcResult create(const Request &request, const std::vector<Edit> &edits) {
        std::vector<const char *> headers, names;
        for (int i = 0; i < kEmbeddedSourceCount; ++i) {
            headers.push_back(text_of(kEmbeddedSources[i].name, edits));
            names.push_back(kEmbeddedSources[i].name);
        }
        return nvrtcCreateProgram(&program_, text_of(request.source, edits), request.source.c_str(),
                                  int(headers.size()), headers.data(), names.data());
    }

    // NVRTC 12.9 and newer keep a cache of their own beside the driver's: what comes out of it has no
    // resource report, so that it is left out.
    nvrtcResult compile(const std::vector<std::string> &options) {
        std::vector<const char *> words;
        for (const std::string &option : options)
            words.push_back(option.c_str());
        int major = 0, minor = 0;
        nvrtcVersion(&major, &minor);
        if (major > 12 || (major == 12 && minor >= 9))
            words.push_back("--no-cache");
        return nvrtcCompileProgram(program_, int(words.size()), words.data());
    }

    std::string log() const {
        std::size_t size = 0;
        if (nvrtcGetProgramLogSize(program_, &size) != NVRTC_SUCCESS)
            return "";
        std::string text(size, '\0');
        nvrtcGetProgramLog(program_, text.data());
        text.resize(std::strlen(text.c_str()));
        return text;
    }

    nvrtcResult cubin(std::vector<char> &bytes) const {
        std::size_t size = 0;
        if (const nvrtcResult result = nvrtcGetCUBINSize(program_, &size); result != NVRTC_SUCCESS)
            return result;
        bytes.resize(size);
        return nvrtcGetCUBIN(program_, bytes.data());
    }

    std::string ptx() const {
        std::size_t size = 0;
        if (nvrtcGetPTXSize(program_, &size) != NVRTC_SUCCESS || size == 0)
            return "";
        std::string text(size, '\0');
        if (nvrtcGetPTX(program_, text.data()) != NVRTC_SUCCESS)
            return "";
        text.resize(std::strlen(text.c_str()));
        return text;
    }

  private:
    nvrtcProgram program_ = nullptr;
};

std::string first_lines(const std::string &text, int lines) {
    std::size_t end = 0;
    while (lines-- > 0 && end != std::string::npos)
        end = text.find('\n', end == 0 ? 0 : end + 1);
    return text.substr(0, end);
}

ms_status compile_error(const Request &request, nvrtcResult result, const std::string &log) {
    return fail(MS_COMPILE_ERROR, "NVRTC could not compile " + request.kernel + " of " +
                                      request.source + " for " + request.arch + ": " +
                                      nvrtcGetErrorString(result) +
                                      (log.empty() ? "" : "\n" + first_lines(log, 12)));
}

ms_status run_compiler(const Request &request, const std::vector<std::string> &options,
                       Cubin &cubin, const std::vector<Edit> &edits = {},
                       std::string *ptx = nullptr) {
    if (!find_source(request.source))
        return fail(MS_COMPILE_ERROR, "there is no embedded kernel source named " + request.source);
    const auto start = std::chrono::steady_clock::now();
    Program program;
    nvrtcResult result = program.create(request, edits);
    if (result != NVRTC_SUCCESS)
        return compile_error(request, result, "");
    result = program.compile(options);
    cubin.log = program.log();
    if (result != NVRTC_SUCCESS)
        return compile_error(request, result, cubin.log);
    result = program.cubin(cubin.bytes);
    if (result != NVRTC_SUCCESS || cubin.bytes.empty())
        return compile_error(request, result, cubin.log);
    if (ptx)
        *ptx = program.ptx();
    cubin.compile_ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (!parse_resource_report(cubin.log, cubin.resources))
        return fail(MS_COMPILE_ERROR, "the compiler reported no resources for " + request.kernel +
                                          ": " + first_lines(cubin.log, 12));
    return MS_OK;
}

ms_status find_or_compile(const Request &request, const std::string &key,
                          const std::vector<std::string> &options,
                          std::shared_ptr<const Cubin> &result) {
    auto cubin = std::make_shared<Cubin>();
    const bool on_disk = edits_now().empty();
    const std::string folder = cache_folder();
    if (on_disk && read_cached(folder, key, *cubin)) {
        cubin->from_cache = true;
        result = cubin;
        return MS_OK;
    }
    const EntryLock lock(on_disk ? folder : "", key);
    if (lock.waited() && read_cached(folder, key, *cubin)) {
        cubin->from_cache = true;
    } else {
        *cubin = Cubin{.key = key, .kernel = request.kernel};
        if (const ms_status status = run_compiler(request, options, *cubin, edits_now());
            status != MS_OK)
            return status;
        if (on_disk)
            write_cached(folder, *cubin, join(options));
    }
    result = cubin;
    return MS_OK;
}

// The number right before `unit` in `text`, from `at` on; -1 if there is none.
int number_before(const std::string &text, std::size_t at, const char *unit) {
    const std::size_t found = text.find(unit, at);
    if (found == std::string::npos)
        return -1;
    std::size_t begin = found;
    while (begin > 0 && text[begin - 1] == ' ')
        --begin;
    const std::size_t end = begin;
    while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9')
        --begin;
    return begin == end ? -1 : std::atoi(text.substr(begin, end - begin).c_str());
}

} // namespace

bool parse_resource_report(const std::string &log, ResourceReport &report) {
    const std::size_t used = log.find("Used ");
    const int registers = used == std::string::npos ? -1 : number_before(log, used, "registers");
    const int stores = number_before(log, 0, "bytes spill stores");
    const int loads = number_before(log, 0, "bytes spill loads");
    const int stack = number_before(log, 0, "bytes stack frame");
    if (registers < 0 || stores < 0 || loads < 0 || stack < 0)
        return false;
    report = {.registers = registers, .spill_bytes = stores + loads, .stack_bytes = stack};
    if (const int smem = number_before(log, used, "bytes smem");
        smem > 0) // named only where there is some
        report.static_smem_bytes = smem;
    return true;
}

EditedSources::EditedSources(std::vector<Edit> edits) : edits_(std::move(edits)) {
    std::string content;
    for (const Edit &edit : edits_)
        content += edit.source + "\n" + edit.text + "\n";
    key_ = hash_text(content);
    current_edits = this;
}

EditedSources::~EditedSources() { current_edits = nullptr; }

const EditedSources *EditedSources::current() { return current_edits; }

std::string edition() { return current_edits ? current_edits->key() : std::string(); }

bool is_source(const std::string &name) { return find_source(name) != nullptr; }

ms_status compile(const Request &request, std::shared_ptr<const Cubin> &cubin) {
    const std::vector<std::string> options = options_of(request);
    const std::string key = key_of(request, join(options));
    const std::shared_ptr<Entry> entry = entry_for(key);
    const std::scoped_lock lock(entry->mutex);
    if (!entry->done) {
        entry->status = find_or_compile(request, key, options, entry->cubin);
        if (entry->status != MS_OK)
            entry->message = last_error_message();
        entry->done = true;
    }
    if (entry->status != MS_OK)
        return fail(entry->status, entry->message);
    cubin = entry->cubin;
    return succeed();
}

ms_status compile_edited(const Request &request, const std::vector<Edit> &edits, Cubin &cubin,
                         std::string &ptx) {
    cubin = Cubin{.kernel = request.kernel};
    if (const ms_status status = run_compiler(request, options_of(request), cubin, edits, &ptx);
        status != MS_OK)
        return status;
    return succeed();
}

void forget_compiled_kernels() {
    const std::scoped_lock lock(entries().mutex);
    entries().by_key.clear();
}

} // namespace moescope::jit
