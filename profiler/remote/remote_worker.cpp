#include "profiler/remote/remote_worker.h"

#include "profiler/base/sha256.h"
#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/remote/run_to_end.h"

#include <fmt/format.h>

#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace moescope {

namespace {

constexpr const char *kSumsName = "SHA256SUMS";
constexpr const char *kCopied = "moescope-copied ";
constexpr const char *kSumsDiffer = "moescope: the checksums differ";
constexpr std::size_t kPiece = 1 << 18;

std::vector<std::string> ssh(const RemoteHost &host, SshQuestions questions, const std::string &script) {
    std::vector<std::string> words = ssh_command(host, questions);
    words.push_back(for_any_shell(script));
    return words;
}

std::string joined(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words)
        text += " " + word;
    return text;
}

// The bytes of a tar archive, piece by piece.
class Archive {
  public:
    Archive(const Bundle &bundle, const std::string &sums, CopyProgress &progress)
        : bundle_(bundle), progress_(progress),
          head_(tar_header(kSumsName, std::int64_t(sums.size()), false) + sums + tar_padding(std::int64_t(sums.size()))) {}

    std::string next() {
        if (!head_.empty())
            return std::exchange(head_, "");
        if (at_ == bundle_.files.size())
            return std::exchange(ended_, true) ? "" : tar_end();
        const BundleFile &file = bundle_.files[at_];
        if (!in_.is_open()) {
            in_.open(file.source, std::ios::binary);
            left_ = file.bytes;
            return tar_header(file.name, file.bytes, true);
        }
        if (left_ == 0) {
            in_.close();
            ++at_;
            return file.bytes % 512 == 0 ? next() : tar_padding(file.bytes);
        }
        return piece();
    }

  private:
    // A file that shrank meanwhile is filled up: its checksum tells.
    std::string piece() {
        std::string bytes(std::size_t(std::min<std::int64_t>(left_, kPiece)), '\0');
        in_.read(bytes.data(), std::streamsize(bytes.size()));
        left_ -= std::int64_t(bytes.size());
        progress_.sent += std::int64_t(bytes.size());
        return bytes;
    }

    const Bundle &bundle_;
    CopyProgress &progress_;
    std::string head_;
    std::ifstream in_;
    std::size_t at_ = 0;
    std::int64_t left_ = 0;
    bool ended_ = false;
};

// Carried along, and left out again where the host's C library is too old for them: its own may do.
constexpr const char *kRuntime = "libstdc++.so.6 libgcc_s.so.1";

std::string receive_script(const Shipment &shipment, const std::string &id) {
    std::string links;
    for (const auto &[name, path] : shipment.linked)
        links += fmt::format("ln -s \"{}\" \"{}\"; ", path, name);
    const std::string kind = fmt::format("worker-{}-", MOESCOPE_VERSION);
    return fmt::format("{8}set -e; umask 077; f=\"{0}\"; n={1}{2}; mkdir -p \"$f\"; t=$(mktemp -d \"$f/incoming-XXXXXX\"); "
                       "clean() {{ rm -rf \"$t\"; }}; trap clean EXIT HUP INT TERM; cd \"$t\"; tar -xf -; "
                       "sha256sum -c {3} >/dev/null || {{ echo \"{4}\" >&2; exit 4; }}; {5}"
                       "v=$(start \"$t/moescope-worker\" --version) || {{ rm -f {9}; v=$(start \"$t/moescope-worker\" --version); }}; "
                       "if [ \"$v\" = \"{6}\" ]; then cd \"$f\"; else echo \"it says $v\" >&2; exit 5; fi; "
                       "rm -rf \"$n\"; mv \"$t\" \"$n\"; "
                       "for o in {1}*; do if [ \"$o\" = \"$n\" ]; then continue; fi; rm -rf \"$o\" || true; done; "
                       "echo \"{7}$f/$n/moescope-worker\"",
                       kRemoteFolder, kind, id, kSumsName, kSumsDiffer, links, worker_version_line(), kCopied, kStartFunction,
                       kRuntime);
}

Error copy_error(const RemoteHost &host, const ProgramEnd &end) {
    if (end.error.find(kSumsDiffer) != std::string::npos)
        return {"the worker was not copied to " + host.target, "what arrived there is not what was sent: its checksums differ",
                "try again"};
    SshFailure failure = explain_shell_failure(host.target, end.exit_status, end.error);
    failure.error.what = "the worker was not copied: " + failure.error.what;
    return failure.error;
}

std::string after(const std::string &text, const std::string &mark) {
    const std::size_t at = text.rfind(mark);
    if (at == text.npos)
        return "";
    const std::size_t from = at + mark.size();
    return text.substr(from, text.find('\n', from) - from);
}

} // namespace

std::string probe_script(const RemoteHost &host, const std::vector<std::string> &libraries) {
    return fmt::format(
        "{3}f=\"{0}\"; echo \"system $(uname -s) $(uname -m)\"; echo \"c_library $(getconf GNU_LIBC_VERSION 2>/dev/null)\"; "
        "echo \"folder $f\"; d=\"$f\"; until [ -d \"$d\" ]; do d=$(dirname \"$d\"); done; "
        "echo \"free_kib $(df -Pk \"$d\" 2>/dev/null | tail -n 1 | {{ read -r a b c k e; echo $k; }})\"; "
        "for w in {1}; do if [ -f \"$w\" ] && [ -x \"$w\" ]; then echo \"worker $w\"; "
        "echo \"version $(start \"$w\" --version 2>/dev/null </dev/null)\"; fi; done; "
        "for l in{2}; do for d in /usr/local/cuda/lib64 /usr/local/cuda/extras/CUPTI/lib64 /usr/local/cuda-*/lib64 "
        "/usr/local/cuda-*/extras/CUPTI/lib64 /usr/lib/x86_64-linux-gnu /usr/lib64; do "
        "if [ -f \"$d/$l\" ]; then echo \"library $l $d/$l\"; break; fi; done; done; "
        "if command -v nvidia-smi >/dev/null; then nvidia-smi -L 2>/dev/null | sed \"s/^/gpu /\"; fi; echo \"end\"",
        kRemoteFolder, worker_places(host), joined(libraries), kStartFunction);
}

RemoteFacts parse_probe(std::string_view output) {
    RemoteFacts facts;
    std::istringstream lines{std::string(output)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.find(' ');
        const std::string key = line.substr(0, space), value = space == line.npos ? "" : line.substr(space + 1);
        std::istringstream words(value);
        if (key == "system")
            words >> facts.system >> facts.processor;
        else if (key == "c_library")
            facts.c_library = value;
        else if (key == "folder")
            facts.folder = value;
        else if (std::int64_t kib = 0; key == "free_kib" && words >> kib)
            facts.free_bytes = kib * 1024;
        else if (key == "worker")
            facts.workers.push_back({value, ""});
        else if (key == "version" && !facts.workers.empty())
            facts.workers.back().version = value;
        else if (std::string name; key == "library" && words >> name)
            facts.libraries[name] = value.substr(std::min(value.size(), name.size() + 1));
        else if (key == "gpu")
            facts.gpus.push_back(value);
    }
    return facts;
}

RemoteAnswer look_at_host(const RemoteHost &host, SshQuestions questions, const std::vector<std::string> &libraries,
                          const std::atomic<bool> *cancelled) {
    const auto began = std::chrono::steady_clock::now();
    const std::chrono::seconds patience = patience_with(questions);
    const Result<ProgramEnd> end =
        run_to_end(ssh(host, questions, probe_script(host, libraries)), [] { return std::string(); }, cancelled, patience);
    if (!end && std::chrono::steady_clock::now() - began > patience)
        return {{}, silent_host(host.target, patience)};
    if (!end)
        return {{}, {RemoteTrouble::Other, end.error()}};
    if (end->exit_status != 0 || end->output.find("end\n") == std::string::npos)
        return {{}, explain_shell_failure(host.target, end->exit_status, end->error.empty() ? end->output : end->error)};
    return {parse_probe(end->output), {RemoteTrouble::None, {}}};
}

Shipment ship(const Bundle &bundle, const RemoteFacts &facts) {
    const auto is_nvrtc = [](const std::string &name) { return name.starts_with("libnvrtc"); };
    const bool has_nvrtc = std::ranges::all_of(bundle.files, [&](const BundleFile &file) {
        return !is_nvrtc(file.name) || facts.libraries.contains(file.name);
    });
    Shipment shipment;
    for (const BundleFile &file : bundle.files) {
        const auto there = facts.libraries.find(file.name);
        const bool same = belongs_to_cuda(file.name) && there != facts.libraries.end() && (!is_nvrtc(file.name) || has_nvrtc);
        if (same)
            shipment.linked.emplace(*there);
        else
            shipment.carried.files.push_back(file);
    }
    return shipment;
}

Status check_fits(const Bundle &bundle, const RemoteFacts &facts, const std::string &host) {
    utsname here{};
    uname(&here);
    if (facts.system != here.sysname || facts.processor != here.machine)
        return Error{"the worker was not copied to " + host,
                     fmt::format("it was built for {} {} and the host is {} {}", here.sysname, here.machine, facts.system,
                                 facts.processor),
                     "build moescope-worker on that machine and put it on its PATH"};
    const int wanted = wanted_c_library(bundle);
    int there = 0;
    if (constexpr std::string_view kGlibc = "glibc 2."; facts.c_library.starts_with(kGlibc))
        there = std::atoi(facts.c_library.c_str() + kGlibc.size());
    if (there > 0 && there < wanted)
        return Error{"the worker was not copied to " + host,
                     fmt::format("its C library is {}, and this worker needs 2.{} or newer", facts.c_library, wanted),
                     "build moescope-worker on that machine and put it on its PATH"};
    if (facts.free_bytes >= 0 && facts.free_bytes < bundle.bytes())
        return Error{"the worker was not copied to " + host,
                     fmt::format("it takes {} and {} are free in {}", format_bytes(double(bundle.bytes())),
                                 format_bytes(double(facts.free_bytes)), facts.folder),
                     "make room there"};
    return {};
}

std::string text_of(const CopyProgress &progress) {
    switch (progress.step.load()) {
    case CopyProgress::Step::Looking:
        return "Looking at what is there";
    case CopyProgress::Step::Reading:
        return "Summing up the files";
    case CopyProgress::Step::Sending:
        return fmt::format("Sending {} of {}", format_bytes(double(progress.sent)), format_bytes(double(progress.total)));
    case CopyProgress::Step::Checking:
        break;
    }
    return "Checking what arrived";
}

Result<std::string> copy_worker(const RemoteHost &host, const std::filesystem::path &worker, SshQuestions questions,
                                CopyProgress &progress) {
    Result<Bundle> bundle = collect_bundle(worker);
    MOESCOPE_TRY(bundle);
    std::vector<std::string> cuda;
    for (const BundleFile &file : bundle->files)
        if (belongs_to_cuda(file.name))
            cuda.push_back(file.name);
    const RemoteAnswer there = look_at_host(host, questions, cuda, &progress.cancelled);
    if (there.failure.trouble != RemoteTrouble::None)
        return there.failure.error;
    const Shipment shipment = ship(*bundle, there.facts);
    MOESCOPE_TRY(check_fits(shipment.carried, there.facts, host.target));

    progress.step = CopyProgress::Step::Reading;
    progress.total = shipment.carried.bytes();
    const Result<std::string> sums = checksums(shipment.carried);
    MOESCOPE_TRY(sums);
    Sha256 id;
    id.add(*sums);

    progress.step = CopyProgress::Step::Sending;
    Archive archive(shipment.carried, *sums, progress);
    const auto next = [&] {
        std::string piece = archive.next();
        if (piece.empty())
            progress.step = CopyProgress::Step::Checking;
        return piece;
    };
    std::vector<std::string> command = ssh(host, questions, receive_script(shipment, id.hex().substr(0, 12)));
    command.insert(command.begin() + 1, "-C");
    const Result<ProgramEnd> end = run_to_end(command, next, &progress.cancelled);
    MOESCOPE_TRY(end);
    const std::string path = after(end->output, kCopied);
    if (end->exit_status != 0 || path.empty())
        return copy_error(host, *end);
    return path;
}

} // namespace moescope
