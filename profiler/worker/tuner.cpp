#include "profiler/worker/tuner.h"

#include "kernels/scatter2scatter/tile_configs.h"
#include "profiler/base/try.h"
#include "profiler/tune/prune.h"
#include "profiler/worker/compile_queue.h"
#include "profiler/worker/measure.h"
#include "profiler/worker/operators/kernel_call.h"

#ifdef MOESCOPE_CUDA
#include "kernels/jit/embedded_sources.h"
#endif

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace moescope {

namespace {

// Enough to rank tiles; the winner is measured again with the plan's own rule.
constexpr Repetition kShortRule{
    .warmup = 1, .min_samples = 5, .max_samples = 30, .target_relative_ci = 0.02, .max_seconds = 0.15};
constexpr double kCompileShare = 0.5; // of the tuning's progress
// Tags of tuning launches lie beyond every measurement's.
constexpr std::uint32_t kTuningTag = 0x80000000u;

class Tuning {
  public:
    Tuning(Device &device, Operator &op, const TuneRequest &request, RunEvents &events,
           const std::atomic<bool> &cancelled)
        : device_(device), op_(op), request_(request), events_(events), cancelled_(cancelled) {}

    std::uint32_t size() const { return std::uint32_t(candidates_.size()); }

    // The best candidate; null when none could be timed or it was cancelled.
    Result<const Candidate *> run() {
        MOESCOPE_TRY(op_.select(request_.item.variant, TileConfig{}));
        if (!op_.tile_args() || op_.config().is_default())
            return Error{fmt::format("tuning {}", name()), device_.info().id + " runs it without tiles",
                         "tune gate_up or down on a GPU"};
        args_ = *op_.tile_args();
        make_candidates();
        compile();
        MOESCOPE_TRY(time_survivors());
        return cancelled_ ? nullptr : mark_best();
    }

  private:
    using Fate = Candidate::Fate;

    std::string name() const { return fmt::format("{} / {}", info(request_.item.op).name, request_.item.variant); }

    void tell(std::size_t index) { events_.candidate(request_.first_candidate + std::uint32_t(index), candidates_[index]); }

    void settle(std::size_t index, Fate fate, std::string reason) {
        candidates_[index].fate = fate;
        candidates_[index].reason = std::move(reason);
        tell(index);
    }

    void progress(const std::string &doing, double share) {
        events_.progress(doing, request_.progress_from + share * (request_.progress_to - request_.progress_from));
    }

    // What cannot fit the device's shared memory is not even compiled.
    void make_candidates() {
        std::vector<ms_tile_config> configs = scatter2scatter::candidate_configs(args_, device_.info().arch);
        if (const std::int32_t most = request_.plan.tune_max_candidates; most > 0 && std::size_t(most) < configs.size())
            configs.resize(std::size_t(most));
        for (const ms_tile_config &config : configs) {
            Candidate candidate;
            candidate.op = request_.item.op;
            candidate.variant = request_.item.variant;
            candidate.config = tile_config(config);
            candidate.smem_bytes = scatter2scatter::dynamic_smem_bytes(args_, config);
            candidates_.push_back(candidate);
            const std::string reason = prune_reason(device_.info(), candidates_.back());
            settle(candidates_.size() - 1, reason.empty() ? Fate::Queued : Fate::Pruned, reason);
        }
    }

    void compile() {
        std::vector<std::size_t> indices;
        std::vector<ms_scatter2scatter_args> calls;
        for (std::size_t i = 0; i < candidates_.size(); ++i)
            if (candidates_[i].fate == Fate::Queued) {
                indices.push_back(i);
                calls.push_back(args_);
                calls.back().config = kernel_config(candidates_[i].config);
            }
        CompileQueue queue(device_, std::move(calls), cancelled_);
        std::size_t done = 0;
        while (const std::optional<Compiled> news = queue.next()) {
            const std::size_t index = indices[news->index];
            if (news->started) {
                settle(index, Fate::Compiling, "");
                continue;
            }
            keep(index, *news);
            ++done;
            progress(fmt::format("{}: compiled {} of {} tiles", name(), done, indices.size()),
                     kCompileShare * double(done) / double(indices.size()));
        }
        for (const std::size_t index : indices) // cancelled before its compiler was done
            if (candidates_[index].fate == Fate::Compiling)
                settle(index, Fate::Queued, "");
    }

    void keep(std::size_t index, const Compiled &compiled) {
        Candidate &candidate = candidates_[index];
        if (!compiled.status)
            return settle(index, Fate::Failed, compiled.status.error().why);
        const ms_tile_resources &resources = compiled.resources;
        candidate.registers = resources.registers;
        candidate.spill_bytes = resources.spill_bytes;
        candidate.smem_bytes = resources.static_smem_bytes + resources.dynamic_smem_bytes;
        candidate.threads = resources.threads;
        candidate.compile_ms = resources.compile_ms;
        candidate.from_cache = resources.from_cache != 0;
        const std::string reason = prune_reason(device_.info(), candidate);
        settle(index, reason.empty() ? Fate::Queued : Fate::Pruned, reason);
    }

    Status time_survivors() {
        const auto survivors = std::count_if(candidates_.begin(), candidates_.end(),
                                             [](const Candidate &each) { return each.fate == Fate::Queued; });
        std::int64_t timed = 0;
        for (std::size_t i = 0; i < candidates_.size() && !cancelled_; ++i) {
            if (candidates_[i].fate != Fate::Queued)
                continue;
            ++timed;
            progress(fmt::format("{}: timing {} of {} tiles", name(), timed, survivors),
                     kCompileShare + (1 - kCompileShare) * double(timed) / double(survivors));
            if (const Status status = time(i); !status) {
                settle(i, Fate::Failed, status.error().sentence());
                MOESCOPE_TRY(device_.synchronize()); // a lost device ends the tuning
            }
        }
        return {};
    }

    Status time(std::size_t index) {
        MOESCOPE_TRY(op_.select(request_.item.variant, candidates_[index].config));
        const MeasurementId tag{kTuningTag + request_.first_candidate + std::uint32_t(index)};
        MeasureOptions options{kShortRule, request_.plan.cache, request_.capture, tag, cancelled_, {}, {}};
        options.on_records = [this](const CaptureBatch &batch) { events_.records(batch); };
        Measurement measurement;
        const Result<bool> finished = measure(device_, op_, options, measurement);
        MOESCOPE_TRY(finished);
        if (!*finished)
            return {};
        candidates_[index].time = measurement.time;
        settle(index, Fate::Timed, "");
        return {};
    }

    Result<const Candidate *> mark_best() {
        std::size_t best = candidates_.size();
        for (std::size_t i = 0; i < candidates_.size(); ++i)
            if (candidates_[i].fate == Fate::Timed &&
                (best == candidates_.size() || candidates_[i].time.median < candidates_[best].time.median))
                best = i;
        if (best == candidates_.size())
            return Error{fmt::format("tuning {}", name()),
                         fmt::format("none of {} candidates could be timed", candidates_.size()),
                         "see each candidate's reason"};
        settle(best, Fate::Best, "");
        return &candidates_[best];
    }

    Device &device_;
    Operator &op_;
    const TuneRequest &request_;
    RunEvents &events_;
    const std::atomic<bool> &cancelled_;
    ms_scatter2scatter_args args_{};
    std::vector<Candidate> candidates_;
};

} // namespace

std::string kernels_version() {
#ifdef MOESCOPE_CUDA
    std::uint64_t hash = 0xcbf29ce484222325u; // FNV-1a over the sources of the tile kernels
    for (int i = 0; i < kEmbeddedSourceCount; ++i)
        for (const char *c = kEmbeddedSources[i].text; *c; ++c)
            hash = (hash ^ static_cast<unsigned char>(*c)) * 0x100000001b3u;
    return fmt::format("{:016x}", hash);
#else
    return MOESCOPE_VERSION;
#endif
}

Result<std::uint32_t> tune(Device &device, Operator &op, const TuneRequest &request, RunEvents &events,
                           TunedConfigs &tuned, const std::atomic<bool> &cancelled) {
    Tuning tuning(device, op, request, events, cancelled);
    const Result<const Candidate *> best = tuning.run();
    MOESCOPE_TRY(best);
    if (const Candidate *winner = *best) {
        const std::string key = tuning_key(request.plan.workload, request.item.op, request.item.variant,
                                           device.info().name, kernels_version());
        if (const Status stored = tuned.store(key, winner->config, winner->time.median); !stored)
            events.failure("tune", stored.error()); // the result itself stands
    }
    return tuning.size();
}

} // namespace moescope
