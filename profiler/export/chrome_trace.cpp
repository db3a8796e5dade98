// Chrome trace event JSON as PyTorch's Kineto writes it, so that Perfetto, chrome://tracing and
// Holistic Trace Analysis read it. Times are microseconds after baseTimeNanoseconds.
#include "profiler/export/exporters.h"
#include "profiler/export/json_stream.h"
#include "profiler/export/launch_links.h"
#include "profiler/export/replace_file.h"
#include "profiler/export/trace_layout.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>

namespace moescope {

namespace {

const char *copy_name(CopyRecord::Kind kind) {
    switch (kind) {
    case CopyRecord::Kind::HostToDevice:
        return "Memcpy HtoD";
    case CopyRecord::Kind::DeviceToHost:
        return "Memcpy DtoH";
    case CopyRecord::Kind::DeviceToDevice:
        return "Memcpy DtoD";
    case CopyRecord::Kind::HostToHost:
        return "Memcpy HtoH";
    case CopyRecord::Kind::Set:
        return "Memset (Device)";
    case CopyRecord::Kind::Other:
        break;
    }
    return "Memcpy";
}

// cuLaunchKernel is the driver's, cudaLaunchKernel the runtime's; what else a host does, as in an
// imported trace, is an operator ("aten::mm").
constexpr const char *kHostOperator = "cpu_op";
const char *call_category(std::string_view name) {
    if (name.starts_with("cuda"))
        return "cuda_runtime";
    const bool driver = name.size() > 2 && name.starts_with("cu") && name[2] >= 'A' && name[2] <= 'Z';
    return driver ? "cuda_driver" : kHostOperator;
}

class ChromeTrace {
  public:
    ChromeTrace(const Session &session, std::ostream &out)
        : session_(session), layout_(lay_out_trace(session)), links_(session), json_(out) {
        for (const std::string &name : session.names)
            names_.push_back(json_string(name));
        for (const Measurement &m : session.measurements)
            measurements_.push_back(encode(m));
        for (const RunRecord &run : session.runs)
            multiprocessors_.try_emplace(trace_pid(run), run.device.multiprocessors);
        for (const TraceCounterRange &range : layout_.counter_ranges)
            if (range.on)
                counters_of_[*range.on] = &range;
    }

    void write() {
        json_.begin_object();
        head();
        json_.line();
        json_.key("traceEvents");
        json_.begin_array();
        name_tracks();
        for (const TraceSlice &slice : layout_.slices)
            write_slice(slice);
        for (const KernelRecord &kernel : session_.kernels)
            flow(kernel, layout_.kernel_tracks[index_++]);
        index_ = 0;
        for (const CopyRecord &copy : session_.copies)
            flow(copy, layout_.copy_tracks[index_++]);
        memory_counters();
        sampled_counters();
        json_.line();
        json_.end_array();
        json_.line();
        json_.end_object();
        json_.flush();
    }

  private:
    // A measurement's part of its launches' args, as members of an object.
    std::string encode(const Measurement &m) const {
        return fmt::format("\"operator\": {}, \"variant\": {}, \"tile\": {}",
                           json_string(info(m.op).name), json_string(m.variant),
                           json_string(m.config.text()));
    }

    void head() {
        json_.field("schemaVersion", 1);
        json_.line();
        json_.key("deviceProperties");
        json_.begin_array();
        std::set<std::uint32_t> seen;
        for (const RunRecord &run : session_.runs)
            if (!run.device.is_cpu() && seen.insert(trace_pid(run)).second)
                device_properties(run.device, trace_pid(run));
        json_.end_array();
        json_.line();
        json_.key("distributedInfo"); // analysis tools look for the text "rank": 0
        json_.begin_object();
        json_.field("rank", 0);
        json_.end_object();
        json_.line();
        json_.field("displayTimeUnit", "ms");
        json_.field("baseTimeNanoseconds", layout_.base_ns);
        json_.line();
        json_.key("otherData");
        json_.begin_object();
        json_.field("producer", "MoEScope " + session_.app_version);
        json_.field("title", session_.title);
        json_.field("occupancy", "theoretical, from the occupancy calculator");
        if (!session_.counters.empty())
            json_.field("counters", "from passes of their own, drawn over the first repetition");
        json_.end_object();
    }

    void device_properties(const DeviceInfo &device, std::uint32_t pid) {
        json_.line();
        json_.begin_object();
        json_.field("id", pid);
        json_.field("name", device.name);
        json_.field("totalGlobalMem", device.memory_bytes);
        json_.field("computeMajor", device.compute_major);
        json_.field("computeMinor", device.compute_minor);
        json_.field("maxThreadsPerBlock", device.max_threads_per_block);
        json_.field("maxThreadsPerMultiprocessor", device.max_threads_per_sm);
        json_.field("regsPerBlock", device.registers_per_block);
        json_.field("regsPerMultiprocessor", device.registers_per_sm);
        json_.field("warpSize", device.warp_size);
        json_.field("sharedMemPerBlock", device.smem_per_block_bytes);
        json_.field("sharedMemPerMultiprocessor", device.smem_per_sm_bytes);
        json_.field("sharedMemPerBlockOptin", device.smem_per_block_optin_bytes);
        json_.field("numSms", device.multiprocessors);
        json_.end_object();
    }

    template <typename T>
    void metadata(const char *name, TraceTrack track, const char *arg, const T &content) {
        json_.line();
        json_.begin_object();
        json_.field("name", name);
        json_.field("ph", "M");
        position(layout_.base_ns, track);
        json_.key("args");
        json_.begin_object();
        json_.field(arg, content);
        json_.end_object();
        json_.end_object();
    }

    // Host above devices; on a device measurements first, then streams.
    void name_tracks() {
        constexpr int kFirstDevice = 1000;
        for (const auto &[pid, name] : layout_.hosts) {
            metadata("process_name", {pid, 0}, "name", name);
            metadata("process_sort_index", {pid, 0}, "sort_index", 0);
        }
        int order = kFirstDevice;
        for (const auto &[pid, name] : layout_.devices) {
            metadata("process_name", {pid, 0}, "name", name);
            metadata("process_sort_index", {pid, 0}, "sort_index", order++);
        }
        for (const TraceTrackName &track : layout_.tracks) {
            metadata("thread_name", track.track, "name", track.name);
            metadata("thread_sort_index", track.track, "sort_index", track.sort_index);
        }
    }

    void position(std::int64_t time_ns, TraceTrack track) {
        json_.key("ts");
        json_.microseconds(time_ns - layout_.base_ns);
        json_.field("pid", track.pid);
        json_.field("tid", track.tid);
    }

    // Opens an X event up to and including its args' brace; end_slice() closes both.
    void begin_slice(const TraceSlice &slice, const char *category, std::string_view encoded_name) {
        json_.line();
        json_.begin_object();
        json_.field("ph", "X");
        json_.field("cat", category);
        json_.key("name");
        json_.encoded(encoded_name);
        position(slice.start_ns, slice.track);
        json_.key("dur");
        json_.microseconds(slice.end_ns - slice.start_ns);
        json_.key("args");
        json_.begin_object();
    }
    void end_slice() {
        json_.end_object();
        json_.end_object();
    }

    void write_slice(const TraceSlice &slice) {
        switch (slice.kind) {
        case TraceSlice::Kind::Kernel:
            return kernel(slice, session_.kernels[slice.index]);
        case TraceSlice::Kind::Copy:
            return copy(slice, session_.copies[slice.index]);
        case TraceSlice::Kind::Call:
            return call(slice, session_.api_calls[slice.index]);
        case TraceSlice::Kind::Overhead:
            begin_slice(slice, "overhead",
                        name(session_.overheads[slice.index].kind, "\"overhead\""));
            return end_slice();
        case TraceSlice::Kind::Counters:
            return counters(slice, layout_.counter_ranges[slice.index]);
        case TraceSlice::Kind::Measurement:
        case TraceSlice::Kind::Repetition:
            return annotation(slice, session_.measurements[slice.index]);
        }
    }

    void kernel(const TraceSlice &slice, const KernelRecord &k) {
        begin_slice(slice, "kernel", name(k.name, "\"unknown kernel\""));
        json_.field("External id", links_.id(k));
        json_.field("queued", 0);
        on_stream(k, slice);
        json_.field("registers per thread", k.registers);
        json_.field("shared memory", std::int64_t(k.static_smem_bytes) + k.dynamic_smem_bytes);
        const double blocks = double(k.grid[0]) * k.grid[1] * k.grid[2];
        const double warps = std::ceil(double(k.block[0]) * k.block[1] * k.block[2] / 32);
        const auto sms = multiprocessors_.find(k.device);
        if (sms != multiprocessors_.end() && sms->second > 0) {
            json_.field("blocks per SM", blocks / sms->second);
            json_.field("warps per SM", blocks * warps / sms->second);
        }
        triple("grid", k.grid);
        triple("block", k.block);
        // Kineto's key, though the figure is theoretical: so is Kineto's. The second one says so.
        const double percent = std::round(double(k.theoretical_occupancy) * 100);
        if (std::isfinite(percent)) {
            json_.field("est. achieved occupancy %", std::int64_t(percent));
            json_.field("theoretical occupancy %", std::int64_t(percent));
        }
        json_.field("local memory per thread", k.local_bytes_per_thread);
        tag(k.tag);
        if (const auto counted = counters_of_.find(slice.index); counted != counters_of_.end())
            values(*counted->second);
        end_slice();
    }

    // The category in which analysis tools look for counters; they take every arg for one.
    void counters(const TraceSlice &slice, const TraceCounterRange &range) {
        const Measurement &m = session_.measurements[range.measurement.value];
        const std::string title = fmt::format("{} / {}", info(m.op).name, m.variant);
        const NameId kernel = range.on ? session_.kernels[*range.on].name : NameId{};
        begin_slice(slice, "cuda_profiler_range", name(kernel, json_string(title)));
        values(range);
        end_slice();
    }
    void values(const TraceCounterRange &range) {
        for (const auto &[metric, value] : range.values)
            json_.encoded_field(name(metric, "\"metric\""), value);
    }

    void copy(const TraceSlice &slice, const CopyRecord &c) {
        const bool is_set = c.kind == CopyRecord::Kind::Set;
        begin_slice(slice, is_set ? "gpu_memset" : "gpu_memcpy", json_string(copy_name(c.kind)));
        json_.field("External id", links_.id(c));
        on_stream(c, slice);
        json_.field("bytes", c.bytes);
        if (c.end_ns > c.start_ns)
            json_.field("memory bandwidth (GB/s)", double(c.bytes) / double(c.end_ns - c.start_ns));
        tag(c.tag);
        end_slice();
    }

    // No "stream": analysis tools tell host rows from device rows by its absence.
    void call(const TraceSlice &slice, const ApiRecord &a) {
        const char *category = call_category(session_.name(a.name));
        begin_slice(slice, category, name(a.name, "\"unknown call\""));
        if (category != kHostOperator) {
            json_.field("External id", links_.id(a));
            json_.field("correlation", links_.id(a));
        }
        tag(a.tag);
        end_slice();
    }

    // On a device's row, so Kineto's category for those: as user_annotation it would count as host
    // time.
    void annotation(const TraceSlice &slice, const Measurement &m) {
        const bool whole = slice.kind == TraceSlice::Kind::Measurement;
        const std::string title = whole ? fmt::format("{} / {}", info(m.op).name, m.variant)
                                        : fmt::format("repetition {}", slice.repetition);
        begin_slice(slice, "gpu_user_annotation", json_string(title));
        json_.encoded(measurements_[slice.index]);
        json_.field("measurement", slice.index);
        if (!whole)
            json_.field("repetition", slice.repetition);
        if (whole && !m.throttle.empty())
            json_.field("clocks held back", m.throttle);
        if (whole && m.run.value < session_.runs.size()) {
            const Workload &workload = session_.runs[m.run.value].plan.workload;
            json_.field("run", m.run.value);
            json_.field("model", workload.model.name);
            json_.field("tokens", workload.tokens);
            json_.field("median us", m.time.median / 1e3);
        }
        end_slice();
    }

    // The worker has one context, and CUPTI numbers them from 1. The stream is the track's first
    // row.
    template <typename Record> void on_stream(const Record &record, const TraceSlice &slice) {
        json_.field("device", record.device);
        json_.field("context", 1);
        json_.field("stream", record.stream == 0 ? slice.track.tid : record.stream);
        json_.field("correlation", links_.id(record));
    }

    void triple(const char *key, const std::array<std::int32_t, 3> &sizes) {
        json_.key(key);
        json_.begin_array();
        for (const std::int32_t size : sizes)
            json_.value(size);
        json_.end_array();
    }

    void tag(Tag tag) {
        if (tag.measurement.value >= measurements_.size())
            return;
        json_.encoded(measurements_[tag.measurement.value]);
        json_.field("measurement", tag.measurement.value);
        json_.field("repetition", tag.repetition);
    }

    std::string_view name(NameId id, std::string_view otherwise) const {
        return id.value < names_.size() ? std::string_view(names_[id.value]) : otherwise;
    }

    // An arrow from the call to what it launched; only where both are known.
    template <typename Record> void flow(const Record &record, TraceTrack track) {
        const auto from = links_.call(record);
        if (!from)
            return;
        const std::uint64_t id = links_.id(record);
        flow_end("s", id, session_.api_calls[*from].start_ns, layout_.call_tracks[*from]);
        flow_end("f", id, record.start_ns, track);
    }
    void flow_end(const char *phase, std::uint64_t id, std::int64_t time_ns, TraceTrack track) {
        json_.line();
        json_.begin_object();
        json_.field("ph", phase);
        json_.field("id", id);
        position(time_ns, track);
        json_.field("cat", "ac2g");
        json_.field("name", "ac2g");
        if (phase[0] == 'f')
            json_.field("bp", "e");
        json_.end_object();
    }

    std::uint32_t memory_pid(const MemoryRecord &record) const {
        std::uint32_t run = 0;
        if (record.tag.measurement.value < session_.measurements.size())
            run = session_.measurements[record.tag.measurement.value].run.value;
        return run < session_.runs.size() ? trace_pid(session_.runs[run]) : 0;
    }

    void memory_counters() {
        std::vector<std::size_t> order(session_.memory.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return session_.memory[a].time_ns < session_.memory[b].time_ns;
        });
        std::map<std::uint32_t, std::int64_t> allocated;
        for (const std::size_t at : order) {
            const MemoryRecord &record = session_.memory[at];
            const std::uint32_t pid = memory_pid(record);
            json_.line();
            json_.begin_object();
            json_.field("ph", "C");
            json_.field("cat", "memory");
            json_.field("name", "device memory");
            position(record.time_ns, {pid, 0});
            json_.key("args");
            json_.begin_object();
            json_.field("allocated bytes", allocated[pid] += record.bytes);
            json_.end_object();
            json_.end_object();
        }
    }

    void sampled_counters() {
        for (const TracePoint &point : sampled_points(session_)) {
            json_.line();
            json_.begin_object();
            json_.field("ph", "C");
            json_.field("cat", "sampled");
            json_.field("name", point.track);
            position(point.time_ns, {point.pid, 0});
            json_.key("args");
            json_.begin_object();
            json_.field(point.series, point.value);
            json_.end_object();
            json_.end_object();
        }
    }

    const Session &session_;
    const TraceLayout layout_;
    const LaunchLinks links_;
    JsonStream json_;
    std::vector<std::string> names_, measurements_;         // encoded
    std::map<std::uint32_t, std::int32_t> multiprocessors_; // by pid
    std::map<std::size_t, const TraceCounterRange *> counters_of_; // by kernel
    std::size_t index_ = 0;
};

} // namespace

void write_chrome_trace(const Session &session, std::ostream &out) {
    ChromeTrace(session, out).write();
}

Status export_chrome_trace(const Session &session, const std::filesystem::path &path) {
    const auto compression = path.extension() == ".gz" ? Compression::Gzip : Compression::None;
    return replace_file(path, compression,
                        [&](std::ostream &out) { write_chrome_trace(session, out); });
}

} // namespace moescope
