#include "profiler/import/kineto.h"

#include "profiler/base/try.h"
#include "profiler/explain/launch_floor.h"
#include "profiler/import/trace_reader.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/file_check.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace moescope {

namespace {

constexpr std::int64_t kGapNs = 1'000'000; // between a session and a trace put after it
constexpr std::size_t kLongestName = 4096;
constexpr std::int64_t kMostNs = std::int64_t{1} << 61; // the year 2043; a session's times go twice as far

template <typename T> T small(const std::optional<std::int64_t> &number) {
    return T(std::clamp<std::int64_t>(number.value_or(0), 0, std::numeric_limits<T>::max()));
}

CopyRecord::Kind copy_kind(std::string_view name) {
    if (name.starts_with("Memset"))
        return CopyRecord::Kind::Set;
    for (const auto &[words, kind] :
         {std::pair<std::string_view, CopyRecord::Kind>{"HtoD", CopyRecord::Kind::HostToDevice},
          {"DtoH", CopyRecord::Kind::DeviceToHost},
          {"DtoD", CopyRecord::Kind::DeviceToDevice},
          {"HtoH", CopyRecord::Kind::HostToHost}})
        if (name.find(words) != std::string_view::npos)
            return kind;
    return CopyRecord::Kind::Other;
}

bool is_host(std::string_view category) {
    for (const char *known : {"cuda_runtime", "cuda_driver", "cpu_op", "user_annotation", "runtime",
                              "driver", "Operator", "operator"})
        if (category == known)
            return true;
    return false;
}

std::uint32_t highest_correlation(const Session &session) {
    std::uint32_t highest = 0;
    const auto note = [&](const auto &column) {
        for (const auto &record : column)
            highest = std::max(highest, record.correlation);
    };
    note(session.kernels);
    note(session.api_calls);
    note(session.copies);
    return highest;
}

// What the events of one trace become; times are after the trace's base until finish().
class Import {
  public:
    explicit Import(SessionBuilder &builder)
        : builder_(builder), taken_(highest_correlation(builder.current())) {}

    void take(const TraceEvent &event) {
        if (event.phase == "i" && event.name == "[memory]")
            return ledger(event);
        if (event.phase != "X")
            return;
        const std::string_view category = event.category;
        const bool kernel = category == "kernel" || category == "Kernel";
        const bool copy = category == "gpu_memcpy" || category == "gpu_memset" ||
                          category == "Memcpy" || category == "Memset";
        if (!kernel && !copy && !is_host(category) && category != "overhead")
            return;
        if (!event.ts_ns || !event.dur_ns || *event.dur_ns < 0 ||
            *event.dur_ns > kMostNs - std::clamp<std::int64_t>(*event.ts_ns, 0, kMostNs)) {
            ++unusable_;
            return;
        }
        first_ns_ = std::min(first_ns_, *event.ts_ns);
        last_ns_ = std::max(last_ns_, *event.ts_ns + *event.dur_ns);
        if (kernel)
            add_kernel(event);
        else if (copy)
            add_copy(event);
        else if (category == "overhead")
            overheads_.push_back(
                {*event.ts_ns, *event.ts_ns + *event.dur_ns, intern(event.name)});
        else
            calls_.push_back({*event.ts_ns, *event.ts_ns + *event.dur_ns, intern(event.name),
                              correlation_of(event), small<std::uint32_t>(event.pid),
                              small<std::uint32_t>(event.tid), {}});
    }

    // Puts everything into the session. after_ns: where the trace is to begin, or -1 for its own
    // clock.
    Status finish(const TraceHead &head, const std::string &file, std::int64_t after_ns) {
        if (first_ns_ > last_ns_)
            return Error{fmt::format("{} cannot be shown", file),
                         "it has no kernels, copies, runtime calls or operators",
                         "export a trace of PyTorch's profiler"};
        const std::int64_t move = after_ns >= 0 ? after_ns - first_ns_ : head.base_ns;
        const auto within = [](std::int64_t ns) { return ns >= -kMostNs && ns <= kMostNs; };
        if (!within(move) || !within(first_ns_) || !within(last_ns_) || first_ns_ + move < 0)
            return Error{fmt::format("{} cannot be shown", file),
                         "its times are before 1970 or decades ahead", "export the trace again"};
        const RunId run = add_runs(head, file, move);
        const auto put = [&](auto &records) {
            for (auto &record : records) {
                record.start_ns += move;
                record.end_ns += move;
                builder_.add(record);
            }
        };
        put(kernels_);
        put(calls_);
        put(copies_);
        put(overheads_);
        for (MemoryRecord &record : memory_)
            if (record.time_ns >= first_ns_ && record.time_ns <= last_ns_) {
                record.time_ns += move;
                builder_.add(record);
            }
        if (unusable_ > 0)
            builder_.add(Failure{last_ns_ + move, run, file,
                                 {fmt::format("{} events of {} are not shown", unusable_, file),
                                  "they have no time, or one that cannot be", ""}});
        return {};
    }

  private:
    NameId intern(std::string_view name) {
        return name.empty() ? NameId{} : builder_.intern(name.substr(0, kLongestName));
    }

    void add_kernel(const TraceEvent &event) {
        KernelRecord k{.start_ns = *event.ts_ns,
                       .end_ns = *event.ts_ns + *event.dur_ns,
                       .name = intern(event.name),
                       .correlation = correlation_of(event),
                       .device = device_of(event),
                       .stream = stream_of(event)};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            k.grid[axis] = small<std::int32_t>(event.grid[axis]);
            k.block[axis] = small<std::int32_t>(event.block[axis]);
        }
        k.registers = small<std::int32_t>(event.registers);
        k.dynamic_smem_bytes = small<std::int32_t>(event.smem_bytes); // static included
        k.theoretical_occupancy =
            float(std::min<std::int64_t>(small<std::int32_t>(event.occupancy_percent), 100)) / 100;
        kernels_.push_back(k);
    }
    void add_copy(const TraceEvent &event) {
        copies_.push_back({*event.ts_ns, *event.ts_ns + *event.dur_ns,
                           std::max<std::int64_t>(event.bytes.value_or(0), 0),
                           correlation_of(event), device_of(event),
                           stream_of(event), copy_kind(event.name), {}});
    }
    // The caching allocator's, of GPUs alone: device type 1 is CUDA in c10/core/DeviceType.h.
    void ledger(const TraceEvent &event) {
        constexpr std::int64_t kCuda = 1, kMostBytes = std::int64_t{1} << 42;
        if (event.device_type != kCuda || !event.ts_ns || !event.bytes ||
            std::llabs(*event.bytes) > kMostBytes)
            return;
        memory_.push_back({*event.ts_ns, *event.bytes, std::uint64_t(event.address.value_or(0)),
                           NameId{}, {}});
    }

    std::uint32_t device_of(const TraceEvent &event) {
        const auto device = small<std::uint32_t>(event.device ? event.device : event.pid);
        devices_.insert(device);
        return device;
    }
    // Past those of a session it is put into; 0, no link, where they are used up.
    std::uint32_t correlation_of(const TraceEvent &event) const {
        const auto own = small<std::uint32_t>(event.correlation);
        const bool room = own <= std::numeric_limits<std::uint32_t>::max() - taken_;
        return own == 0 || !room ? 0 : own + taken_;
    }
    static std::uint32_t stream_of(const TraceEvent &event) {
        return small<std::uint32_t>(event.stream ? event.stream : event.tid);
    }

    static DeviceInfo device_info(const TraceHead &head, std::uint32_t number) {
        DeviceInfo info;
        info.id = fmt::format("cuda:{}", number);
        info.name = fmt::format("GPU {}", number);
        info.host = head.host.substr(0, kLongestName);
        if (head.runtime_version > 0 && head.runtime_version < 1'000'000)
            info.runtime = fmt::format("{}.{}", head.runtime_version / 1000,
                                       head.runtime_version % 1000 / 10);
        for (const TraceDevice &device : head.devices) {
            if (device.id != std::int64_t(number))
                continue;
            info.name = device.name.substr(0, kLongestName);
            info.memory_bytes = std::max<std::int64_t>(device.memory_bytes.value_or(0), 0);
            info.compute_major = small<std::int32_t>(device.compute_major);
            info.compute_minor = small<std::int32_t>(device.compute_minor);
            info.arch = fmt::format("sm_{}{}", info.compute_major, info.compute_minor);
            info.max_threads_per_block = small<std::int32_t>(device.max_threads_per_block);
            info.max_threads_per_sm = small<std::int32_t>(device.max_threads_per_sm);
            info.registers_per_block = small<std::int32_t>(device.registers_per_block);
            info.registers_per_sm = small<std::int32_t>(device.registers_per_sm);
            info.warp_size = std::max(small<std::int32_t>(device.warp_size), 1);
            info.smem_per_block_bytes = small<std::int32_t>(device.smem_per_block);
            info.smem_per_sm_bytes = small<std::int32_t>(device.smem_per_sm);
            info.smem_per_block_optin_bytes = small<std::int32_t>(device.smem_per_block_optin);
            info.multiprocessors = small<std::int32_t>(device.multiprocessors);
        }
        return info;
    }

    // One for each device that ran something; the host where none did. The first one's id.
    RunId add_runs(const TraceHead &head, const std::string &file, std::int64_t move) {
        RunRecord run;
        run.plan.workload.model.name = file;
        run.started_ns = first_ns_ + move;
        run.finished_ns = last_ns_ + move;
        run.state = RunRecord::State::Done;
        std::vector<DeviceInfo> devices;
        for (const std::uint32_t number : devices_)
            devices.push_back(device_info(head, number));
        if (devices.empty()) {
            devices.emplace_back();
            devices.back().id = "cpu";
            devices.back().name = "the host of a PyTorch trace";
            devices.back().host = head.host.substr(0, kLongestName);
        }
        RunId first;
        for (DeviceInfo &device : devices) {
            run.plan.device = device.id;
            run.device = std::move(device);
            const RunId id = builder_.add_run(run);
            if (!first.valid())
                first = id;
        }
        return first;
    }

    SessionBuilder &builder_;
    std::uint32_t taken_; // the highest correlation id that is there already
    std::vector<KernelRecord> kernels_;
    std::vector<ApiRecord> calls_;
    std::vector<CopyRecord> copies_;
    std::vector<OverheadRecord> overheads_;
    std::vector<MemoryRecord> memory_;
    std::set<std::uint32_t> devices_;
    std::int64_t first_ns_ = std::numeric_limits<std::int64_t>::max();
    std::int64_t last_ns_ = std::numeric_limits<std::int64_t>::min();
    std::uint64_t unusable_ = 0;
};

// The latest time of a session; -1: it has none.
std::int64_t end_of(const Session &session) {
    std::int64_t end = -1;
    const auto note = [&](const auto &column) {
        for (const auto &record : column)
            end = std::max(end, record.end_ns);
    };
    note(session.kernels);
    note(session.api_calls);
    note(session.copies);
    note(session.overheads);
    note(session.pm_samples);
    for (const MemoryRecord &record : session.memory)
        end = std::max(end, record.time_ns);
    for (const RunRecord &run : session.runs)
        end = std::max(end, run.finished_ns);
    return end;
}

Result<Session> import_into(SessionBuilder &builder, const std::filesystem::path &path,
                            const TraceLimits &limits, std::int64_t after_ns) {
    Import importer(builder);
    const auto head =
        read_trace(path, limits, [&](const TraceEvent &event) { importer.take(event); });
    if (!head)
        return head.error();
    if (const Status done = importer.finish(*head, path.filename().string(), after_ns); !done)
        return done.error();
    return *builder.snapshot();
}

} // namespace

bool looks_like_trace(const std::filesystem::path &path) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed))
        return false;
    std::ifstream in(path, std::ios::binary);
    char first = 0;
    in >> first; // white space is skipped
    if (in && (first == '{' || first == '[' || (first == '\x1f' && in.get() == 0x8b)))
        return true;
    // What is called a trace and is no session is a broken trace.
    const std::string name = path.filename().string();
    return (name.ends_with(".json") || name.ends_with(".json.gz")) && !check_session_file(path).ok();
}

Result<Session> import_kineto(const std::filesystem::path &path, const TraceLimits &limits) {
    SessionBuilder builder(path.filename().string() + " (PyTorch trace)");
    auto session = import_into(builder, path, limits, -1);
    if (session) {
        session->origin = Origin::Recorded;
        session->path = path.string();
        session->created_ns = session->runs[0].started_ns;
    }
    return session;
}

Result<Session> append_kineto(const Session &session, const std::filesystem::path &path,
                              const TraceLimits &limits) {
    SessionBuilder builder(session);
    const std::int64_t end = end_of(session);
    auto both = import_into(builder, path, limits, end < 0 ? -1 : end + kGapNs);
    if (both)
        both->origin = session.origin;
    return both;
}

Result<Session> open_session(const std::filesystem::path &path) {
    if (looks_like_trace(path))
        return import_kineto(path);
    auto session = read_session(path);
    MOESCOPE_TRY(session);
    return with_launch_floors(std::move(*session));
}

} // namespace moescope
