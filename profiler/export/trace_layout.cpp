#include "profiler/export/trace_layout.h"

#include "profiler/export/trace_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <tuple>

namespace moescope {

namespace {

constexpr std::uint32_t kCpuPid = 1'000'000'000; // above any process id Linux gives
constexpr int kAnnotationOrder = -2, kCounterOrder = -1, kStreamOrder = 0, kOverheadOrder = 1000;

// Gives every track of a process a tid of its own: the one it asks for, or the lowest free one.
class TrackIds {
  public:
    void reserve(std::uint32_t pid, std::uint32_t tid) { taken_[pid].insert(tid); }
    std::uint32_t next(std::uint32_t pid) {
        auto &taken = taken_[pid];
        std::uint32_t tid = 1;
        while (!taken.insert(tid).second)
            ++tid;
        return tid;
    }

  private:
    std::map<std::uint32_t, std::set<std::uint32_t>> taken_;
};

struct Pending {
    std::uint32_t pid, lane; // lane: stream or thread
    TraceSlice slice;
};

class Layout {
  public:
    explicit Layout(const Session &session) : session_(session) {}

    TraceLayout make() {
        find_base();
        name_devices();
        collect_device();
        collect_host();
        reserve_ids();
        out_.kernel_tracks.resize(session_.kernels.size());
        out_.copy_tracks.resize(session_.copies.size());
        out_.call_tracks.resize(session_.api_calls.size());
        place(device_, TraceRows::Rule::Apart, "stream", kStreamOrder);
        place(host_, TraceRows::Rule::Nested, "thread", kStreamOrder);
        place_annotations();
        place_counter_ranges();
        place_overheads();
        return std::move(out_);
    }

  private:
    void find_base() {
        std::int64_t base = std::numeric_limits<std::int64_t>::max();
        const auto note = [&](const auto &column) {
            for (const auto &record : column)
                base = std::min(base, record.start_ns);
        };
        note(session_.kernels);
        note(session_.api_calls);
        note(session_.copies);
        note(session_.overheads);
        for (const MemoryRecord &record : session_.memory)
            base = std::min(base, record.time_ns);
        for (const PmSampleRecord &sample : session_.pm_samples)
            base = std::min(base, sample.start_ns);
        for (const DeviceStateRecord &state : session_.device_states)
            base = std::min(base, state.time_ns);
        out_.base_ns =
            base == std::numeric_limits<std::int64_t>::max() ? session_.created_ns : base;
    }

    void name_devices() {
        for (const RunRecord &run : session_.runs)
            out_.devices.try_emplace(trace_pid(run), rank_prefix(run) + fmt::format("{} ({})", run.device.name,
                                                                                   run.device.id));
        for (const KernelRecord &kernel : session_.kernels)
            name_device(kernel.device);
        for (const CopyRecord &copy : session_.copies)
            name_device(copy.device);
        for (const PmSampleRecord &sample : session_.pm_samples)
            name_device(sample.device);
        for (const DeviceStateRecord &state : session_.device_states)
            name_device(state.device);
    }
    static std::string rank_prefix(const RunRecord &run) {
        return run.plan.ranks ? fmt::format("rank {}: ", run.plan.ranks->rank) : "";
    }
    std::string rank_prefix(std::uint32_t process) const {
        for (const RunRecord &run : session_.runs)
            if (run.plan.ranks && run.device.worker_process == process)
                return rank_prefix(run);
        return "";
    }
    void name_device(std::uint32_t device) {
        if (!out_.devices.contains(device))
            out_.devices.emplace(device, fmt::format("cuda:{}", device));
    }

    void collect_device() {
        for (std::size_t at = 0; at < session_.kernels.size(); ++at) {
            const KernelRecord &k = session_.kernels[at];
            device_.push_back(
                {k.device, k.stream, {TraceSlice::Kind::Kernel, at, -1, k.start_ns, k.end_ns, {}}});
        }
        for (std::size_t at = 0; at < session_.copies.size(); ++at) {
            const CopyRecord &c = session_.copies[at];
            device_.push_back(
                {c.device, c.stream, {TraceSlice::Kind::Copy, at, -1, c.start_ns, c.end_ns, {}}});
        }
    }

    void collect_host() {
        for (std::size_t at = 0; at < session_.api_calls.size(); ++at) {
            const ApiRecord &a = session_.api_calls[at];
            host_.push_back({host_pid(a.process),
                             a.thread,
                             {TraceSlice::Kind::Call, at, -1, a.start_ns, a.end_ns, {}}});
        }
    }
    // A worker in a container may well be process 1 beside device 1.
    std::uint32_t host_pid(std::uint32_t process) {
        const auto found = host_pids_.find(process);
        if (found != host_pids_.end())
            return found->second;
        std::uint32_t pid = process;
        while (out_.devices.contains(pid) || out_.hosts.contains(pid))
            ++pid;
        out_.hosts.emplace(pid, rank_prefix(process) + fmt::format("moescope-worker (process {})", process));
        host_pids_.emplace(process, pid);
        return pid;
    }

    void reserve_ids() {
        for (const auto *side : {&device_, &host_})
            for (const Pending &each : *side)
                if (each.lane != 0)
                    ids_.reserve(each.pid, each.lane);
    }

    void place(std::vector<Pending> &pending, TraceRows::Rule rule, const char *what, int order) {
        std::sort(pending.begin(), pending.end(), [](const Pending &a, const Pending &b) {
            return std::tuple(a.pid, a.lane, a.slice.start_ns, b.slice.end_ns) <
                   std::tuple(b.pid, b.lane, b.slice.start_ns, a.slice.end_ns);
        });
        for (std::size_t from = 0; from < pending.size();) {
            std::size_t to = from;
            while (to < pending.size() && pending[to].pid == pending[from].pid &&
                   pending[to].lane == pending[from].lane)
                ++to;
            place_lane(pending, from, to, rule, fmt::format("{} {}", what, pending[from].lane),
                       order);
            from = to;
        }
    }

    void place_lane(const std::vector<Pending> &pending, std::size_t from, std::size_t to,
                    TraceRows::Rule rule, const std::string &name, int order) {
        const std::uint32_t pid = pending[from].pid, lane = pending[from].lane;
        TraceRows rows(rule);
        std::vector<std::uint32_t> tids;
        for (std::size_t at = from; at < to; ++at) {
            TraceSlice slice = pending[at].slice;
            const std::uint32_t row = rows.place(slice.start_ns, slice.end_ns);
            if (row == tids.size()) {
                tids.push_back(row == 0 && lane != 0 ? lane : ids_.next(pid));
                const std::string suffix = row == 0 ? "" : fmt::format(" (overlap {})", row);
                out_.tracks.push_back({{pid, tids[row]}, name + suffix, order});
            }
            slice.track = {pid, tids[row]};
            remember(slice);
            out_.slices.push_back(slice);
        }
    }

    void remember(const TraceSlice &slice) {
        if (slice.kind == TraceSlice::Kind::Kernel)
            out_.kernel_tracks[slice.index] = slice.track;
        else if (slice.kind == TraceSlice::Kind::Copy)
            out_.copy_tracks[slice.index] = slice.track;
        else if (slice.kind == TraceSlice::Kind::Call)
            out_.call_tracks[slice.index] = slice.track;
    }

    // A measurement spans its kernels, warm-up included, but for those that were sampled later; a
    // repetition those of that repetition.
    void place_annotations() {
        std::map<std::tuple<std::uint32_t, std::int32_t>, TraceSlice>
            spans; // repetition -2: all of it
        const auto extend = [&](const KernelRecord &kernel, std::int32_t repetition,
                                TraceSlice::Kind kind) {
            const std::size_t index = kernel.tag.measurement.value;
            const auto [at, is_new] = spans.try_emplace(
                {kernel.tag.measurement.value, repetition},
                TraceSlice{
                    kind, index, repetition, kernel.start_ns, kernel.end_ns, {kernel.device, 0}});
            at->second.start_ns = std::min(at->second.start_ns, kernel.start_ns);
            at->second.end_ns = std::max(at->second.end_ns, kernel.end_ns);
        };
        for (const KernelRecord &kernel : session_.kernels) {
            if (kernel.tag.measurement.value >= session_.measurements.size() ||
                kernel.tag.repetition == kSampledRepetition)
                continue;
            extend(kernel, -2, TraceSlice::Kind::Measurement);
            if (kernel.tag.repetition >= 0)
                extend(kernel, kernel.tag.repetition, TraceSlice::Kind::Repetition);
        }
        std::vector<Pending> pending;
        for (const auto &[key, slice] : spans)
            pending.push_back({slice.track.pid, 0, slice});
        place_unnumbered(pending, "measurements", kAnnotationOrder);
    }

    void place_counter_ranges() {
        out_.counter_ranges = place_counters(session_);
        std::vector<Pending> pending;
        for (std::size_t at = 0; at < out_.counter_ranges.size(); ++at) {
            const TraceCounterRange &range = out_.counter_ranges[at];
            pending.push_back(
                {range.device,
                 0,
                 {TraceSlice::Kind::Counters, at, -1, range.start_ns, range.end_ns, {}}});
        }
        place_unnumbered(pending, "counters, from passes of their own", kCounterOrder);
    }

    void place_overheads() {
        if (session_.overheads.empty())
            return;
        const std::uint32_t pid = out_.hosts.empty() ? host_pid(0) : out_.hosts.begin()->first;
        std::vector<Pending> pending;
        for (std::size_t at = 0; at < session_.overheads.size(); ++at) {
            const OverheadRecord &o = session_.overheads[at];
            pending.push_back(
                {pid, 0, {TraceSlice::Kind::Overhead, at, -1, o.start_ns, o.end_ns, {}}});
        }
        place_unnumbered(pending, "CUPTI overhead", kOverheadOrder);
    }

    void place_unnumbered(std::vector<Pending> &pending, const char *name, int order) {
        std::stable_sort(pending.begin(), pending.end(), [](const Pending &a, const Pending &b) {
            return std::tuple(a.pid, a.slice.start_ns, b.slice.end_ns) <
                   std::tuple(b.pid, b.slice.start_ns, a.slice.end_ns);
        });
        for (std::size_t from = 0; from < pending.size();) {
            std::size_t to = from;
            while (to < pending.size() && pending[to].pid == pending[from].pid)
                ++to;
            place_lane(pending, from, to, TraceRows::Rule::Nested, name, order);
            from = to;
        }
    }

    const Session &session_;
    TraceLayout out_;
    TrackIds ids_;
    std::map<std::uint32_t, std::uint32_t> host_pids_;
    std::vector<Pending> device_, host_;
};

} // namespace

TraceLayout lay_out_trace(const Session &session) { return Layout(session).make(); }

std::uint32_t trace_pid(const RunRecord &run) {
    constexpr std::string_view kPrefix = "cuda:";
    const DeviceInfo &device = run.device;
    std::uint32_t number = kCpuPid;
    if (run.plan.ranks)
        return std::uint32_t(run.plan.ranks->rank);
    if (device.id.starts_with(kPrefix))
        std::from_chars(device.id.data() + kPrefix.size(), device.id.data() + device.id.size(),
                        number);
    return number;
}

} // namespace moescope
