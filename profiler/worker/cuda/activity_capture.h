// CUPTI activity tracing of this process: kernels, runtime calls, copies, fills, allocations and
// CUPTI's own overhead, each tied to its repetition by external correlation.
//
// Lifecycle: subscribe() before the first CUDA context, start(), push()/pop() round each repetition,
// take() with the device idle, stop(); pause()/resume() anywhere after subscribe(). One capture a process: CUPTI admits one subscriber.
#pragma once

#include "profiler/base/result.h"
#include "profiler/worker/device.h"
#include "profiler/worker/memory_ledger.h"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace moescope {

class ActivityCapture {
  public:
    explicit ActivityCapture(NameTable &names) : names_(names) {}
    ~ActivityCapture();
    ActivityCapture(const ActivityCapture &) = delete;
    ActivityCapture &operator=(const ActivityCapture &) = delete;

    // Errors: another profiler is attached (its name is in `why`), no privilege, no driver.
    Status subscribe();
    Status start();
    Status stop();
    bool running() const { return running_; }
    // No activity at all in between, whether running or not: other collectors need CUPTI to themselves.
    Status pause();
    Status resume();

    // Calls of this thread from push to pop belong to `tag`.
    Status push(Tag tag);
    Status pop();

    // Every complete record since the last take. The device must be idle. Allocations come back in
    // `memory_seen` instead of the batch, since CUPTI does not know what they are for.
    Result<CaptureBatch> take(std::vector<ObservedMemory> &memory_seen);

  private:
    struct Reader; // one take(): reads buffers into a batch

    NameTable &names_;
    bool subscribed_ = false;
    bool running_ = false;
    void *subscriber_ = nullptr;
    std::unordered_map<std::string, NameId> kernel_names_; // by mangled name
};

} // namespace moescope
