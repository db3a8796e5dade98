#include "profiler/worker/cuda/pc_sampling.h"

#include "profiler/base/try.h"
#include "profiler/worker/cuda/cubin_store.h"
#include "profiler/worker/cuda/cuda_info.h"
#include "profiler/worker/cuda/cupti_api.h"

#include <cupti_pcsampling.h>

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace moescope {

namespace {

constexpr std::size_t kPlacesAFetch = 32768;
constexpr std::uint32_t kPeriodExponent = 12; // a sample every 2^12 cycles of a multiprocessor
constexpr std::size_t kScratchBytes = 16 << 20;

template <typename Params> Params params_for(std::size_t size, CUcontext context) {
    Params params{};
    params.size = size;
    params.ctx = context;
    return params;
}

// What CUPTI fills with the places it has seen.
class Places {
  public:
    explicit Places(std::size_t reasons) : places_(kPlacesAFetch), stalls_(kPlacesAFetch * reasons) {
        for (std::size_t i = 0; i < places_.size(); ++i) {
            places_[i].size = sizeof(CUpti_PCSamplingPCData);
            places_[i].stallReason = &stalls_[i * reasons];
        }
        data_.size = sizeof(CUpti_PCSamplingData);
        data_.collectNumPcs = places_.size();
        data_.pPcData = places_.data();
    }
    CUpti_PCSamplingData data_{};

  private:
    std::vector<CUpti_PCSamplingPCData> places_;
    std::vector<CUpti_PCSamplingStallReason> stalls_;
};

class PcSampling final : public PcSampler {
  public:
    PcSampling(NameTable &names, std::function<void()> at_end) : names_(names), at_end_(std::move(at_end)) {}
    ~PcSampling() override {
        if (enabled_) {
            auto params = params_for<CUpti_PCSamplingDisableParams>(CUpti_PCSamplingDisableParamsSize, context_);
            cuptiPCSamplingDisable(&params);
        }
        at_end_();
    }

    Status open() {
        const Result<CUcontext> context = current_context();
        MOESCOPE_TRY(context);
        context_ = *context;
        auto params = params_for<CUpti_PCSamplingEnableParams>(CUpti_PCSamplingEnableParamsSize, context_);
        MOESCOPE_TRY(cupti::check(cuptiPCSamplingEnable(&params), "cuptiPCSamplingEnable"));
        enabled_ = true;
        MOESCOPE_TRY(read_stall_reasons());
        unused_.emplace(reasons_.size());
        fetched_.emplace(reasons_.size());
        return configure();
    }

    Status start() override {
        auto params = params_for<CUpti_PCSamplingStartParams>(CUpti_PCSamplingStartParamsSize, context_);
        return cupti::check(cuptiPCSamplingStart(&params), "cuptiPCSamplingStart");
    }

    Result<PcReading> stop() override {
        auto params = params_for<CUpti_PCSamplingStopParams>(CUpti_PCSamplingStopParamsSize, context_);
        MOESCOPE_TRY(cupti::check(cuptiPCSamplingStop(&params), "cuptiPCSamplingStop"));
        PcReading reading;
        counts_.clear();
        for (bool more = true; more;) {
            auto get = params_for<CUpti_PCSamplingGetDataParams>(CUpti_PCSamplingGetDataParamsSize, context_);
            get.pcSamplingData = &fetched_->data_;
            MOESCOPE_TRY(cupti::check(cuptiPCSamplingGetData(&get), "cuptiPCSamplingGetData"));
            more = fetched_->data_.totalNumPcs > 0;
            take(fetched_->data_, reading);
        }
        for (const auto &[place, samples] : counts_) {
            PcSampleRecord record = place_of(std::get<0>(place));
            record.stall = std::get<1>(place);
            record.samples = samples;
            reading.samples.push_back(record);
        }
        return reading;
    }

  private:
    struct Place {
        std::uint64_t crc;
        std::string function;
        std::uint64_t pc_offset;
        friend auto operator<=>(const Place &, const Place &) = default;
    };

    Status read_stall_reasons() {
        std::size_t count = 0;
        auto ask = params_for<CUpti_PCSamplingGetNumStallReasonsParams>(CUpti_PCSamplingGetNumStallReasonsParamsSize, context_);
        ask.numStallReasons = &count;
        MOESCOPE_TRY(cupti::check(cuptiPCSamplingGetNumStallReasons(&ask), "cuptiPCSamplingGetNumStallReasons"));
        reasons_.resize(count);
        std::vector<std::array<char, CUPTI_STALL_REASON_STRING_SIZE>> texts(count);
        std::vector<char *> pointers;
        for (auto &text : texts)
            pointers.push_back(text.data());
        auto get = params_for<CUpti_PCSamplingGetStallReasonsParams>(CUpti_PCSamplingGetStallReasonsParamsSize, context_);
        get.numStallReasons = count;
        get.stallReasonIndex = reasons_.data();
        get.stallReasons = pointers.data();
        MOESCOPE_TRY(cupti::check(cuptiPCSamplingGetStallReasons(&get), "cuptiPCSamplingGetStallReasons"));
        // Each is there twice: all samples, and those in whose cycle nothing was issued.
        std::vector<std::uint32_t> wanted;
        for (std::size_t i = 0; i < count; ++i)
            if (!std::string_view(pointers[i]).ends_with("_not_issued")) {
                wanted.push_back(reasons_[i]);
                reason_names_[reasons_[i]] = names_.intern(stall_name(pointers[i]));
            }
        reasons_ = std::move(wanted);
        return {};
    }

    Status configure() {
        std::vector<CUpti_PCSamplingConfigurationInfo> settings;
        const auto add = [&](CUpti_PCSamplingConfigurationAttributeType type) -> auto & {
            settings.push_back({});
            settings.back().attributeType = type;
            return settings.back().attributeData;
        };
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_COLLECTION_MODE).collectionModeData.collectionMode =
            CUPTI_PC_SAMPLING_COLLECTION_MODE_CONTINUOUS;
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_PERIOD).samplingPeriodData.samplingPeriod = kPeriodExponent;
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_STALL_REASON).stallReasonData = {reasons_.size(), reasons_.data()};
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SCRATCH_BUFFER_SIZE).scratchBufferSizeData.scratchBufferSize = kScratchBytes;
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_ENABLE_START_STOP_CONTROL).enableStartStopControlData.enableStartStopControl = 1;
        add(CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_DATA_BUFFER).samplingDataBufferData.samplingDataBuffer =
            &unused_->data_;
        auto params = params_for<CUpti_PCSamplingConfigurationInfoParams>(CUpti_PCSamplingConfigurationInfoParamsSize, context_);
        params.numAttributes = settings.size();
        params.pPCSamplingConfigurationInfo = settings.data();
        return cupti::check(cuptiPCSamplingSetConfigurationAttribute(&params), "cuptiPCSamplingSetConfigurationAttribute");
    }

    // The buffer it was configured with fills at stop() too, with the same: it is only there because CUPTI
    // wants one. Counts what a buffer holds, and empties it.
    void take(CUpti_PCSamplingData &data, PcReading &reading) {
        for (std::size_t i = 0; i < data.totalNumPcs; ++i) {
            const CUpti_PCSamplingPCData &pc = data.pPcData[i];
            const Place place{pc.cubinCrc, pc.functionName ? pc.functionName : "", pc.pcOffset};
            for (std::size_t s = 0; s < pc.stallReasonCount; ++s)
                if (pc.stallReason[s].samples > 0)
                    counts_[{place, reason_names_[pc.stallReason[s].pcSamplingStallReasonIndex]}] += pc.stallReason[s].samples;
        }
        if (data.totalNumPcs > 0) {
            reading.total += data.totalSamples;
            reading.dropped += data.droppedSamples;
        }
        data.totalNumPcs = 0;
    }

    PcSampleRecord place_of(const Place &place) {
        PcSampleRecord record;
        record.kernel = names_.intern(cupti::demangled(place.function.c_str()));
        record.pc_offset = place.pc_offset;
        auto [found, is_new] = lines_.try_emplace(place);
        if (is_new)
            found->second = CubinStore::of_process().line_of(place.crc, place.function.c_str(), place.pc_offset);
        if (found->second) {
            record.file = names_.intern(found->second->file);
            record.line = found->second->line;
        }
        return record;
    }

    NameTable &names_;
    std::function<void()> at_end_;
    CUcontext context_ = nullptr;
    bool enabled_ = false;
    std::vector<std::uint32_t> reasons_;
    std::unordered_map<std::uint32_t, NameId> reason_names_;
    std::optional<Places> unused_, fetched_;
    std::map<std::tuple<Place, NameId>, std::uint64_t> counts_;
    std::map<Place, std::optional<SourceLine>> lines_;
};

} // namespace

std::string stall_name(std::string_view cupti_name) {
    for (const std::string_view prefix : {"smsp__pcsamp_warps_issue_stalled_", "smsp__pcsamp_warps_issue_"})
        if (cupti_name.starts_with(prefix))
            return std::string(cupti_name.substr(prefix.size()));
    return std::string(cupti_name);
}

Result<std::unique_ptr<PcSampler>> open_pc_sampling(NameTable &names, std::function<void()> at_end) {
    auto sampling = std::make_unique<PcSampling>(names, std::move(at_end));
    MOESCOPE_TRY(sampling->open());
    return std::unique_ptr<PcSampler>(std::move(sampling));
}

} // namespace moescope
