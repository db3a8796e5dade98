#include "profiler/worker/cuda/activity_capture.h"

#include "profiler/worker/cuda/cubin_store.h"
#include "profiler/worker/cuda/cupti_api.h"
#include "profiler/worker/launch_tags.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moescope {

namespace {

constexpr std::size_t kBufferBytes = 4 << 20;
constexpr std::size_t kAlignment = 8;
constexpr auto kExternalKind = CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0;
constexpr std::array kKinds = {
    CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,    CUPTI_ACTIVITY_KIND_RUNTIME,
    CUPTI_ACTIVITY_KIND_MEMCPY,               CUPTI_ACTIVITY_KIND_MEMSET,
    CUPTI_ACTIVITY_KIND_MEMORY2,              CUPTI_ACTIVITY_KIND_OVERHEAD,
    CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION,
};

struct FreeDeleter {
    void operator()(std::uint8_t *data) const { std::free(data); }
};
using ActivityBuffer = std::unique_ptr<std::uint8_t, FreeDeleter>;

struct FilledBuffer {
    ActivityBuffer data;
    std::size_t bytes = 0;
};

// CUPTI's callbacks carry no user data, so what they fill is the process's. They only move a
// pointer under the lock; reading the records happens in take().
struct BufferQueue {
    std::mutex mutex;
    std::vector<FilledBuffer> filled;
};
BufferQueue &queue() {
    static BufferQueue instance;
    return instance;
}

// noexcept, both: nothing may be thrown through CUPTI, and without memory for a pointer the worker ends.
void CUPTIAPI request_buffer(std::uint8_t **buffer, std::size_t *bytes, std::size_t *max_records) noexcept {
    *buffer = static_cast<std::uint8_t *>(std::aligned_alloc(kAlignment, kBufferBytes));
    *bytes = *buffer ? kBufferBytes : 0;
    *max_records = 0; // as many as fit
}

void CUPTIAPI buffer_completed(CUcontext, std::uint32_t, std::uint8_t *buffer, std::size_t,
                               std::size_t valid_bytes) noexcept {
    const std::lock_guard lock(queue().mutex);
    queue().filled.push_back({ActivityBuffer(buffer), valid_bytes});
}

void CUPTIAPI on_callback(void *, CUpti_CallbackDomain domain, CUpti_CallbackId id, const void *data) noexcept {
    if (domain != CUPTI_CB_DOMAIN_RESOURCE || id != CUPTI_CBID_RESOURCE_MODULE_LOADED)
        return;
    const auto &resource = *static_cast<const CUpti_ResourceData *>(data);
    const auto &module = *static_cast<const CUpti_ModuleResourceData *>(resource.resourceDescriptor);
    CubinStore::of_process().add(module.pCubin, module.cubinSize);
}

// Repetition -1 (warm-up) is stored as 0.
std::uint64_t external_id(Tag tag) {
    return (std::uint64_t(tag.measurement.value) << 32) | std::uint32_t(tag.repetition + 1);
}
Tag tag_of(std::uint64_t id) {
    return {MeasurementId{std::uint32_t(id >> 32)}, std::int32_t(std::uint32_t(id)) - 1};
}

CopyRecord::Kind copy_kind(std::uint8_t kind) {
    switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
        return CopyRecord::Kind::HostToDevice;
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
        return CopyRecord::Kind::DeviceToHost;
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
        return CopyRecord::Kind::DeviceToDevice;
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOH:
        return CopyRecord::Kind::HostToHost;
    default:
        return CopyRecord::Kind::Other;
    }
}

const char *overhead_name(CUpti_ActivityOverheadKind kind) {
    switch (kind) {
    case CUPTI_ACTIVITY_OVERHEAD_DRIVER_COMPILER:
        return "driver compiler";
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_BUFFER_FLUSH:
        return "CUPTI buffer flush";
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_INSTRUMENTATION:
        return "CUPTI instrumentation";
    case CUPTI_ACTIVITY_OVERHEAD_CUPTI_RESOURCE:
        return "CUPTI resource";
    case CUPTI_ACTIVITY_OVERHEAD_RUNTIME_TRIGGERED_MODULE_LOADING:
        return "module loading";
    case CUPTI_ACTIVITY_OVERHEAD_LAZY_FUNCTION_LOADING:
        return "lazy function loading";
    case CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL:
        return "command buffer full";
    case CUPTI_ACTIVITY_OVERHEAD_ACTIVITY_BUFFER_REQUEST:
        return "activity buffer request";
    default:
        return "other overhead";
    }
}

// Calls that say nothing about a launch and would fill the timeline.
bool is_noise(std::string_view call) {
    for (std::string_view prefix : {"cudaGetDevice", "cudaSetDevice", "cudaGetLastError", "cudaPeekAtLastError",
                                    "cudaDeviceGetAttribute", "cudaFuncGetAttributes"})
        if (call.starts_with(prefix))
            return true;
    return false;
}

} // namespace

struct ActivityCapture::Reader {
    ActivityCapture &capture;
    CaptureBatch &batch;
    std::vector<ObservedMemory> &memory_seen;
    std::unordered_map<std::uint32_t, std::uint64_t> external_ids; // by correlation

    void read(const FilledBuffer &buffer) {
        CUpti_Activity *record = nullptr;
        while (cuptiActivityGetNextRecord(buffer.data.get(), buffer.bytes, &record) == CUPTI_SUCCESS)
            read(*record);
    }

    void read(const CUpti_Activity &record) {
        switch (record.kind) {
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
            return read_kernel(reinterpret_cast<const cupti::KernelActivity &>(record));
        case CUPTI_ACTIVITY_KIND_RUNTIME:
            return read_api(reinterpret_cast<const CUpti_ActivityAPI &>(record));
        case CUPTI_ACTIVITY_KIND_MEMCPY: {
            const auto &copy = reinterpret_cast<const cupti::MemcpyActivity &>(record);
            return read_copy(copy, copy_kind(copy.copyKind));
        }
        case CUPTI_ACTIVITY_KIND_MEMSET:
            return read_copy(reinterpret_cast<const cupti::MemsetActivity &>(record), CopyRecord::Kind::Set);
        case CUPTI_ACTIVITY_KIND_MEMORY2:
            return read_memory(reinterpret_cast<const cupti::MemoryActivity &>(record));
        case CUPTI_ACTIVITY_KIND_OVERHEAD: {
            const auto &overhead = reinterpret_cast<const cupti::OverheadActivity &>(record);
            if (is_lost(overhead.start, overhead.end))
                return;
            batch.overheads.push_back({std::int64_t(overhead.start), std::int64_t(overhead.end),
                                       capture.names_.intern(overhead_name(overhead.overheadKind))});
            return;
        }
        case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION: {
            const auto &external = reinterpret_cast<const CUpti_ActivityExternalCorrelation &>(record);
            if (external.externalKind == kExternalKind)
                external_ids[external.correlationId] = external.externalId;
            return;
        }
        default:
            return;
        }
    }

    // CUPTI lost the record's timestamps: it counts as dropped.
    bool is_lost(std::uint64_t start, std::uint64_t end) {
        const bool lost = start == 0 || end < start;
        batch.dropped += lost;
        return lost;
    }

    void read_kernel(const cupti::KernelActivity &kernel) {
        if (is_lost(kernel.start, kernel.end))
            return;
        auto [name, is_new] = capture.kernel_names_.try_emplace(kernel.name ? kernel.name : "", NameId{});
        if (is_new)
            name->second = capture.names_.intern(cupti::demangled(kernel.name ? kernel.name : "unnamed kernel"));
        KernelRecord out;
        out.start_ns = std::int64_t(kernel.start);
        out.end_ns = std::int64_t(kernel.end);
        out.name = name->second;
        out.correlation = kernel.correlationId;
        out.device = kernel.deviceId;
        out.stream = kernel.streamId;
        out.grid = {kernel.gridX, kernel.gridY, kernel.gridZ};
        out.block = {kernel.blockX, kernel.blockY, kernel.blockZ};
        out.registers = kernel.registersPerThread;
        out.static_smem_bytes = kernel.staticSharedMemory;
        out.dynamic_smem_bytes = kernel.dynamicSharedMemory;
        out.local_bytes_per_thread = std::int32_t(kernel.localMemoryPerThread);
        batch.kernels.push_back(out);
    }

    void read_api(const CUpti_ActivityAPI &call) {
        if (is_lost(call.start, call.end))
            return;
        const char *name = nullptr;
        cuptiGetCallbackName(CUPTI_CB_DOMAIN_RUNTIME_API, call.cbid, &name);
        std::string_view text = name ? name : "unknown runtime call";
        if (is_noise(text))
            return;
        if (const auto version = text.find("_v"); version != text.npos)
            text = text.substr(0, version); // "cudaLaunchKernelExC_v11060"
        batch.api_calls.push_back({std::int64_t(call.start), std::int64_t(call.end), capture.names_.intern(text),
                                   call.correlationId, call.processId, call.threadId, {}});
    }

    template <typename Activity> void read_copy(const Activity &copy, CopyRecord::Kind kind) {
        if (is_lost(copy.start, copy.end))
            return;
        CopyRecord out;
        out.start_ns = std::int64_t(copy.start);
        out.end_ns = std::int64_t(copy.end);
        out.bytes = std::int64_t(copy.bytes);
        out.correlation = copy.correlationId;
        out.device = copy.deviceId;
        out.stream = copy.streamId;
        out.kind = kind;
        batch.copies.push_back(out);
    }

    void read_memory(const cupti::MemoryActivity &memory) {
        if (memory.memoryKind != CUPTI_ACTIVITY_MEMORY_KIND_DEVICE)
            return;
        const bool freed = memory.memoryOperationType == CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_RELEASE;
        const auto bytes = std::int64_t(memory.bytes);
        memory_seen.push_back({std::int64_t(memory.timestamp), freed ? -bytes : bytes, memory.address});
    }

    // External records precede their API record but not always their kernel's buffer: resolve last.
    void resolve_tags() {
        auto resolve = [&](auto &records) {
            for (auto &record : records)
                if (const auto found = external_ids.find(record.correlation); found != external_ids.end())
                    record.tag = tag_of(found->second);
        };
        resolve(batch.kernels);
        resolve(batch.api_calls);
        resolve(batch.copies);
    }
};

ActivityCapture::~ActivityCapture() {
    if (!subscribed_)
        return;
    if (running_)
        (void)stop();
    cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    cuptiUnsubscribe(static_cast<CUpti_SubscriberHandle>(subscriber_));
    const std::lock_guard lock(queue().mutex);
    queue().filled.clear();
}

Status ActivityCapture::subscribe() {
    std::array<char, 128> other{};
    CUpti_SubscriberParams params{};
    params.structSize = CUpti_SubscriberParams_STRUCT_SIZE;
    params.subscriberName = "MoEScope";
    params.oldSubscriberName = other.data();
    params.oldSubscriberSize = other.size();
    CUpti_SubscriberHandle handle = nullptr;
    const Status subscribed =
        cupti::check(cuptiSubscribe_v2(&handle, on_callback, nullptr, &params), "cuptiSubscribe");
    if (!subscribed) {
        Error error = subscribed.error();
        if (other[0] != '\0')
            error.why += fmt::format(" (held by {})", other.data());
        return error;
    }
    subscriber_ = handle;
    subscribed_ = true;
    // Without it sampled instructions have no source lines; nothing else needs it.
    (void)cuptiEnableCallback(1, handle, CUPTI_CB_DOMAIN_RESOURCE, CUPTI_CBID_RESOURCE_MODULE_LOADED);
    if (Status registered = cupti::check(cuptiActivityRegisterCallbacks(request_buffer, buffer_completed),
                                         "cuptiActivityRegisterCallbacks");
        !registered)
        return registered;
    // Before the first context: enabling kernels later instruments every loaded module at once.
    return cupti::check(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "cuptiActivityEnable");
}

Status ActivityCapture::pause() {
    if (!subscribed_)
        return {};
    const bool was_running = running_;
    const Status stopped = stop();
    running_ = was_running;
    return stopped;
}

Status ActivityCapture::resume() {
    if (!subscribed_)
        return {};
    return running_ ? start() : cupti::check(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL), "cuptiActivityEnable");
}

Status ActivityCapture::start() {
    running_ = true;
    for (const CUpti_ActivityKind kind : kKinds)
        if (Status enabled = cupti::check(cuptiActivityEnable(kind), "cuptiActivityEnable"); !enabled) {
            (void)stop(); // the kinds that were enabled; the reason is the first one's refusal
            return enabled;
        }
    return {};
}

Status ActivityCapture::stop() {
    running_ = false;
    Status first_failure;
    for (const CUpti_ActivityKind kind : kKinds)
        if (Status disabled = cupti::check(cuptiActivityDisable(kind), "cuptiActivityDisable");
            !disabled && first_failure)
            first_failure = disabled;
    return first_failure;
}

Status ActivityCapture::push(Tag tag) {
    return cupti::check(cuptiActivityPushExternalCorrelationId(kExternalKind, external_id(tag)),
                        "cuptiActivityPushExternalCorrelationId");
}

Status ActivityCapture::pop() {
    std::uint64_t last = 0;
    return cupti::check(cuptiActivityPopExternalCorrelationId(kExternalKind, &last),
                        "cuptiActivityPopExternalCorrelationId");
}

Result<CaptureBatch> ActivityCapture::take(std::vector<ObservedMemory> &memory_seen) {
    if (Status flushed = cupti::check(cuptiActivityFlushAll(0), "cuptiActivityFlushAll"); !flushed)
        return flushed.error();
    std::vector<FilledBuffer> filled;
    {
        const std::lock_guard lock(queue().mutex);
        filled.swap(queue().filled);
    }
    CaptureBatch batch;
    Reader reader{*this, batch, memory_seen, {}};
    for (const FilledBuffer &buffer : filled)
        reader.read(buffer);
    reader.resolve_tags();
    tag_by_order(batch);
    std::size_t dropped = 0;
    if (cuptiActivityGetNumDroppedRecords(nullptr, 0, &dropped) == CUPTI_SUCCESS)
        batch.dropped += std::int64_t(dropped);
    return batch;
}

} // namespace moescope
