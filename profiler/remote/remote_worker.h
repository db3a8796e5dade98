// What is there on a host behind ssh, and the worker copied to it. Both block: call them off the
// window's thread.
#pragma once

#include "profiler/remote/bundle.h"
#include "profiler/remote/remote_host.h"
#include "profiler/remote/ssh_error.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct RemoteFacts {
    std::string system, processor; // "Linux", "x86_64"
    std::string c_library;         // "glibc 2.36"; "" where it does not say
    std::int64_t free_bytes = -1;  // where workers are copied to; -1: not known
    std::string folder;            // that is
    struct Worker {
        std::string path, version; // what it says of itself; "" where it does not start
        friend bool operator==(const Worker &, const Worker &) = default;
    };
    std::vector<Worker> workers;                  // in the order they are looked for
    std::map<std::string, std::string> libraries; // of those asked for: name, path
    std::vector<std::string> gpus;                // as nvidia-smi lists them
};

// libraries: names to look for where a CUDA toolkit puts them.
std::string probe_script(const RemoteHost &host, const std::vector<std::string> &libraries);
RemoteFacts parse_probe(std::string_view output);

struct RemoteAnswer {
    RemoteFacts facts;
    SshFailure failure; // trouble None: the facts are there
};
RemoteAnswer look_at_host(const RemoteHost &host, SshQuestions questions, const std::vector<std::string> &libraries = {},
                          const std::atomic<bool> *cancelled = nullptr);

// Of the bundle what has to be carried, and what can be linked to because the host has the same.
struct Shipment {
    Bundle carried;
    std::map<std::string, std::string> linked; // name, path there
};
// NVRTC and its builtins go together: one of them of another release is of no use.
Shipment ship(const Bundle &bundle, const RemoteFacts &facts);
// Errors: another processor, a C library that is too old, not enough space.
Status check_fits(const Bundle &bundle, const RemoteFacts &facts, const std::string &host);

struct CopyProgress {
    enum class Step { Looking, Reading, Sending, Checking };
    std::atomic<Step> step{Step::Looking};
    std::atomic<std::int64_t> sent{0}, total{0}; // bytes
    std::atomic<bool> cancelled{false};
};
std::string text_of(const CopyProgress &progress); // "Sending 48.2 MB of 151 MB"

// Copies this machine's worker and its libraries over ssh into a folder of its own there, checks every
// file's SHA-256 and that it starts, and only then puts it where it is found. The path it has there.
Result<std::string> copy_worker(const RemoteHost &host, const std::filesystem::path &worker, SshQuestions questions,
                                CopyProgress &progress);

} // namespace moescope
