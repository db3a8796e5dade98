// A small run-time compiler after DeepGEMM's idea: an embedded source, a list of -D constants and
// an architecture become a cubin. Needs NVRTC and no GPU. Every result is kept in this process and
// on disk under a hash of everything that went into it; the same kernel is never compiled twice,
// however many threads or processes ask for it, and different kernels compile in parallel.
//
// The disk cache is $MOESCOPE_CACHE_DIR, $XDG_CACHE_HOME/moescope or $HOME/.cache/moescope:
// HASH.cubin and, beside it, HASH.txt with the options and the resource report. It may be deleted
// at any time; an entry that is damaged is compiled again, and a folder that cannot be written only
// costs time.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <memory>
#include <string>
#include <vector>

namespace moescope::jit {

struct Request {
    std::string source;               // name of an embedded source: "scatter2scatter.jit.cu"
    std::string kernel;               // its extern "C" entry point
    std::vector<std::string> defines; // NAME=VALUE
    std::string arch;                 // "sm_80", "sm_90a", ...
};

// What ptxas says of the kernel.
struct ResourceReport {
    int registers = 0;   // a thread
    int spill_bytes = 0; // stores + loads
    int stack_bytes = 0;
    int static_smem_bytes = 0;
};

struct Cubin {
    std::string key; // hash of source, options and compiler
    std::string kernel;
    std::vector<char> bytes;
    ResourceReport resources;
    std::string log; // NVRTC's and ptxas' words
    bool from_cache = false;
    double compile_ms = 0; // 0 from the cache
};

// MS_COMPILE_ERROR, with the first lines of NVRTC's log, when the compiler refuses.
ms_status compile(const Request &request, std::shared_ptr<const Cubin> &cubin);

// A text in place of the embedded source of that name.
struct Edit {
    std::string source;
    std::string text;
};

// While it lives, compile() of its thread reads these texts in place of the embedded ones, and so does a
// launch of a tile kernel. What they become is kept in this process and not on disk. One at a time
// a thread.
class EditedSources {
  public:
    explicit EditedSources(std::vector<Edit> edits);
    ~EditedSources();
    EditedSources(const EditedSources &) = delete;
    EditedSources &operator=(const EditedSources &) = delete;

    static const EditedSources *current(); // of this thread; null: the embedded sources
    const std::vector<Edit> &edits() const { return edits_; }
    const std::string &key() const { return key_; } // of the texts

  private:
    std::vector<Edit> edits_;
    std::string key_;
};
// The key of what this thread's edits are; "" without any.
std::string edition();

// Whether there is an embedded source of that name.
bool is_source(const std::string &name);
// The kernel with other texts, compiled each time and kept nowhere: for looking at it. cubin.log has the
// compiler's words also where it refuses.
ms_status compile_edited(const Request &request, const std::vector<Edit> &edits, Cubin &cubin,
                         std::string &ptx);

// Reads "Used N registers", "N bytes spill stores" ... from ptxas' report; false if it holds none.
bool parse_resource_report(const std::string &log, ResourceReport &report);

// Where cubins are kept now; "" if no folder is named by the environment.
std::string cache_folder();

// Forgets what this process holds, so that the next compile() looks on the disk. For tests.
void forget_compiled_kernels();

} // namespace moescope::jit
