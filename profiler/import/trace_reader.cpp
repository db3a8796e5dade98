#include "profiler/import/trace_reader.h"

#include "profiler/base/json_reason.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <istream>
#include <limits>
#include <string_view>
#include <utility>

namespace moescope {

namespace {

using nlohmann::json;

constexpr std::size_t kDeepest = 64;
constexpr std::int64_t kMostNs = std::int64_t{1} << 61;

// A number as the text has it, and as it was parsed.
struct Number {
    double value = 0;
    std::optional<std::int64_t> whole;
    std::string_view text; // empty for whole numbers
};

std::optional<std::int64_t> rounded(const Number &number) {
    if (number.whole)
        return number.whole;
    if (!(std::fabs(number.value) < 9e15))
        return std::nullopt;
    return std::llround(number.value);
}

std::optional<std::int64_t> time_of(const Number &number) {
    if (number.whole)
        return std::llabs(*number.whole) <= kMostNs / 1000
                   ? std::optional(*number.whole * 1000)
                   : std::nullopt;
    return nanoseconds_of(number.text);
}

// Follows the parser's calls; knows where in the document it is by the keys that led there.
class Handler : public json::json_sax_t {
  public:
    Handler(const TraceLimits &limits, const std::function<void(const TraceEvent &)> &on_event)
        : limits_(limits), on_event_(on_event) {}

    TraceHead head;
    std::string why; // it stopped

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t number) override {
        return take({double(number), number, {}});
    }
    bool number_unsigned(number_unsigned_t number) override {
        Number parsed{double(number), std::nullopt, {}};
        if (number <= number_unsigned_t(std::numeric_limits<std::int64_t>::max()))
            parsed.whole = std::int64_t(number);
        return take(parsed);
    }
    bool number_float(number_float_t number, const string_t &text) override {
        return take({number, std::nullopt, text});
    }
    bool string(string_t &text) override {
        if (place() == Place::Event)
            event_text(text);
        else if (place() == Place::Args)
            args_text(text);
        else if (place() == Place::Device && key() == "name")
            head.devices.back().name = text;
        else if (place() == Place::Top && key() == "host_name")
            head.host = text;
        return value();
    }
    bool binary(binary_t &) override { return value(); }
    bool key(string_t &text) override {
        levels_.back().key = text;
        return true;
    }
    bool start_object(std::size_t) override {
        Place inside = Place::Elsewhere;
        if (levels_.empty()) {
            inside = Place::Top;
        } else if (place() == Place::Events) {
            inside = Place::Event;
            event_ = {};
        } else if (place() == Place::Event && key() == "args") {
            inside = Place::Args;
        } else if (place() == Place::Devices && head.devices.size() < kMostDevices) {
            inside = Place::Device;
            head.devices.emplace_back();
        }
        return enter(inside);
    }
    bool end_object() override {
        const bool event = place() == Place::Event;
        levels_.pop_back();
        if (event) {
            on_event_(event_);
            if (++head.events > limits_.events)
                return stop(fmt::format("it has more than {} events", limits_.events));
        }
        return value();
    }
    bool start_array(std::size_t) override {
        Place inside = Place::Elsewhere;
        if (levels_.empty() || (place() == Place::Top && key() == "traceEvents")) {
            inside = Place::Events;
            head.has_events = true;
        } else if (place() == Place::Top && key() == "deviceProperties") {
            inside = Place::Devices;
        } else if (place() == Place::Args && (key() == "grid" || key() == "block")) {
            inside = Place::Sizes;
            at_ = 0;
        }
        return enter(inside);
    }
    bool end_array() override {
        levels_.pop_back();
        return value();
    }
    bool parse_error(std::size_t position, const std::string &,
                     const json::exception &error) override {
        why = fmt::format("it is not JSON from byte {} on ({})", position, json_reason(error));
        return false;
    }

  private:
    static constexpr std::size_t kMostDevices = 1024;
    enum class Place { Top, Events, Event, Args, Sizes, Devices, Device, Elsewhere };
    struct Level {
        Place place;
        std::string key; // of an object: the one whose value comes next
    };

    Place place() const { return levels_.empty() ? Place::Elsewhere : levels_.back().place; }
    const std::string &key() const { return levels_.back().key; }
    bool value() const { return true; }
    bool stop(std::string reason) {
        why = std::move(reason);
        return false;
    }
    bool enter(Place inside) {
        if (levels_.size() >= kDeepest)
            return stop(fmt::format("it is nested deeper than {} levels", kDeepest));
        levels_.push_back({inside, {}});
        return true;
    }

    bool take(const Number &number) {
        switch (place()) {
        case Place::Event:
            event_number(number);
            break;
        case Place::Args:
            args_number(number);
            break;
        case Place::Sizes:
            size(number);
            break;
        case Place::Device:
            device_number(number);
            break;
        case Place::Top:
            if (key() == "baseTimeNanoseconds" && number.whole)
                head.base_ns = *number.whole;
            else if (key() == "cuda_runtime_version")
                head.runtime_version = rounded(number).value_or(0);
            break;
        default:
            break;
        }
        return value();
    }

    void event_text(std::string &text) {
        if (key() == "ph")
            event_.phase = std::move(text);
        else if (key() == "cat")
            event_.category = std::move(text);
        else if (key() == "name")
            event_.name = std::move(text);
        else if (key() == "tid") // "stream 7" of older versions
            event_.tid = number_in(text);
    }
    void event_number(const Number &number) {
        if (key() == "ts")
            event_.ts_ns = time_of(number);
        else if (key() == "dur")
            event_.dur_ns = time_of(number);
        else if (key() == "pid")
            event_.pid = rounded(number);
        else if (key() == "tid")
            event_.tid = rounded(number);
    }
    static std::optional<std::int64_t> number_in(std::string_view text) {
        const std::size_t from = text.find_first_of("0123456789");
        std::int64_t number = 0;
        if (from == std::string_view::npos || text.size() - from > 18)
            return std::nullopt;
        for (const char c : text.substr(from)) {
            if (c < '0' || c > '9')
                break;
            number = 10 * number + (c - '0');
        }
        return number;
    }

    // Some versions write grids and blocks as text: "[16, 1, 1]".
    void args_text(std::string_view text) {
        if (key() != "grid" && key() != "block")
            return;
        auto &sizes = key() == "grid" ? event_.grid : event_.block;
        for (std::int64_t &size : sizes) {
            size = number_in(text).value_or(0);
            const std::size_t comma = text.find(',');
            text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
        }
    }
    void args_number(const Number &number) {
        using Field = std::optional<std::int64_t> TraceEvent::*;
        static constexpr std::pair<std::string_view, Field> kFields[] = {
            {"correlation", &TraceEvent::correlation},
            {"device", &TraceEvent::device},
            {"stream", &TraceEvent::stream},
            {"bytes", &TraceEvent::bytes},
            {"Bytes", &TraceEvent::bytes},
            {"Addr", &TraceEvent::address},
            {"Device Type", &TraceEvent::device_type},
            {"Device Id", &TraceEvent::device_id},
            {"registers per thread", &TraceEvent::registers},
            {"shared memory", &TraceEvent::smem_bytes},
            {"est. achieved occupancy %", &TraceEvent::occupancy_percent}};
        for (const auto &[name, field] : kFields)
            if (key() == name)
                event_.*field = rounded(number);
    }
    void size(const Number &number) {
        auto &sizes = levels_[levels_.size() - 2].key == "grid" ? event_.grid : event_.block;
        if (at_ < sizes.size())
            sizes[at_++] = rounded(number).value_or(0);
    }
    void device_number(const Number &number) {
        using Field = std::optional<std::int64_t> TraceDevice::*;
        static constexpr std::pair<std::string_view, Field> kFields[] = {
            {"id", &TraceDevice::id},
            {"totalGlobalMem", &TraceDevice::memory_bytes},
            {"computeMajor", &TraceDevice::compute_major},
            {"computeMinor", &TraceDevice::compute_minor},
            {"maxThreadsPerBlock", &TraceDevice::max_threads_per_block},
            {"maxThreadsPerMultiprocessor", &TraceDevice::max_threads_per_sm},
            {"regsPerBlock", &TraceDevice::registers_per_block},
            {"regsPerMultiprocessor", &TraceDevice::registers_per_sm},
            {"warpSize", &TraceDevice::warp_size},
            {"sharedMemPerBlock", &TraceDevice::smem_per_block},
            {"sharedMemPerMultiprocessor", &TraceDevice::smem_per_sm},
            {"sharedMemPerBlockOptin", &TraceDevice::smem_per_block_optin},
            {"numSms", &TraceDevice::multiprocessors}};
        for (const auto &[name, field] : kFields)
            if (key() == name)
                head.devices.back().*field = rounded(number);
    }

    TraceLimits limits_;
    const std::function<void(const TraceEvent &)> &on_event_;
    std::vector<Level> levels_;
    TraceEvent event_;
    std::size_t at_ = 0;
};

} // namespace

std::optional<std::int64_t> nanoseconds_of(std::string_view microseconds) {
    const bool negative = microseconds.starts_with('-');
    if (negative)
        microseconds.remove_prefix(1);
    std::int64_t ns = 0;
    int decimals = -1; // digits after the point
    for (const char c : microseconds) {
        if (c == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9') { // an exponent: rare, and then small
            const double value = std::strtod(std::string(microseconds).c_str(), nullptr) * 1000;
            if (!(value < 9e15))
                return std::nullopt;
            return std::llround(negative ? -value : value);
        }
        if (decimals >= 3) // below a nanosecond
            continue;
        if (ns > kMostNs / 10)
            return std::nullopt;
        ns = 10 * ns + (c - '0');
        decimals += decimals >= 0;
    }
    for (int digits = std::max(decimals, 0); digits < 3; ++digits) {
        if (ns > kMostNs / 10)
            return std::nullopt;
        ns *= 10;
    }
    if (microseconds.empty())
        return std::nullopt;
    return negative ? -ns : ns;
}

Result<TraceHead> read_trace(const std::filesystem::path &path, const TraceLimits &limits,
                             const std::function<void(const TraceEvent &)> &on_event) {
    auto text = TraceText::open(path, limits);
    if (!text)
        return text.error();
    std::istream in(text->get());
    Handler handler(limits, on_event);
    const bool whole = json::sax_parse(in, &handler);
    if (const Status ended = (*text)->ended(); !ended)
        return ended.error();
    if (!whole)
        return Error{fmt::format("{} cannot be read", path.string()), handler.why,
                     "name a trace of PyTorch's profiler"};
    if (!handler.head.has_events)
        return Error{fmt::format("{} cannot be read", path.string()),
                     "it is JSON without traceEvents", "name a trace of PyTorch's profiler"};
    return std::move(handler.head);
}

} // namespace moescope
