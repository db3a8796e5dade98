#include "profiler/sweep/axis.h"

#include "profiler/base/try.h"
#include "profiler/model/names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace moescope {

namespace {

template <typename T> std::optional<T> parsed(std::string_view text) {
    T value{};
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

Error wrong(std::string_view name, std::string_view text, std::string_view allowed) {
    return {fmt::format("{} is \"{}\"", name, text), fmt::format("it must be {}", allowed), {}};
}

template <typename T> Status set_whole(std::string_view name, std::string_view text, T &to) {
    const auto value = parsed<T>(text);
    if (!value)
        return wrong(name, text, "a whole number");
    to = *value;
    return {};
}

// A shape that was changed is no longer the model of that name.
Status set_size(std::string_view name, std::string_view text, Workload &w, std::int32_t &to) {
    const std::int32_t before = to;
    MOESCOPE_TRY(set_whole(name, text, to));
    constexpr std::string_view kChanged = " (changed)";
    if (to != before && !w.model.name.ends_with(kChanged) && w.model.name != "custom")
        w.model.name += kChanged;
    return {};
}

std::optional<double> place_of(const Skew &skew) {
    return skew.kind == Skew::Kind::Uniform ? 0.0 : skew.value;
}

using W = Workload;
using Text = std::string_view;

constexpr SweepParameter kParameters[] = {
    {"tokens", "Tokens", "1,8,64,512,2048", [](W &w, Text t) { return set_whole("tokens", t, w.tokens); },
     [](const W &w) { return fmt::format("{}", w.tokens); },
     [](const W &w) { return std::optional(double(w.tokens)); }, true},
    {"rank", "LoRA rank", "4..256:x2", [](W &w, Text t) { return set_whole("rank", t, w.lora_rank); },
     [](const W &w) { return fmt::format("{}", w.lora_rank); },
     [](const W &w) { return std::optional(double(w.lora_rank)); }, true},
    {"top_k", "Top-k", "1,2,4,8", [](W &w, Text t) { return set_whole("top_k", t, w.model.top_k); },
     [](const W &w) { return fmt::format("{}", w.model.top_k); },
     [](const W &w) { return std::optional(double(w.model.top_k)); }, true},
    {"experts", "Experts", "8..256:x2", [](W &w, Text t) { return set_size("experts", t, w, w.model.experts); },
     [](const W &w) { return fmt::format("{}", w.model.experts); },
     [](const W &w) { return std::optional(double(w.model.experts)); }, true},
    {"hidden", "Hidden size", "1024..8192:x2", [](W &w, Text t) { return set_size("hidden", t, w, w.model.hidden); },
     [](const W &w) { return fmt::format("{}", w.model.hidden); },
     [](const W &w) { return std::optional(double(w.model.hidden)); }, true},
    {"intermediate", "Intermediate size", "512..4096:x2",
     [](W &w, Text t) { return set_size("intermediate", t, w, w.model.intermediate); },
     [](const W &w) { return fmt::format("{}", w.model.intermediate); },
     [](const W &w) { return std::optional(double(w.model.intermediate)); }, true},
    {"vocab", "Vocabulary", "32768..262144:x2", [](W &w, Text t) { return set_whole("vocab", t, w.model.vocab); },
     [](const W &w) { return fmt::format("{}", w.model.vocab); },
     [](const W &w) { return std::optional(double(w.model.vocab)); }, true},
    {"skew", "Skew of the routing", "uniform,zipf:0.5,zipf:1,zipf:1.5",
     [](W &w, Text t) -> Status {
         const Result<Skew> skew = parse_skew(t);
         if (!skew)
             return skew.error();
         w.skew = *skew;
         return {};
     },
     [](const W &w) { return w.skew.text(); }, [](const W &w) { return place_of(w.skew); }},
    {"quant_block", "Quantisation block", "32..512:x2",
     [](W &w, Text t) { return set_whole("quant_block", t, w.quant_block); },
     [](const W &w) { return fmt::format("{}", w.quant_block); },
     [](const W &w) { return std::optional(double(w.quant_block)); }, true},
    {"quant", "Weight format", "nf4,fp8_block,mxfp4",
     [](W &w, Text t) -> Status {
         const Result<QuantFormat> format = quant_format_of("quant", t);
         if (!format)
             return format.error();
         w.quant_format = *format;
         return {};
     },
     [](const W &w) { return std::string(name_of(w.quant_format)); },
     [](const W &) { return std::optional<double>(); }},
    {"dtype", "Data type", "f16,bf16",
     [](W &w, Text t) -> Status {
         const Result<DType> dtype = dtype_of("dtype", t);
         if (!dtype)
             return dtype.error();
         w.model.dtype = *dtype;
         return {};
     },
     [](const W &w) { return std::string(name_of(w.model.dtype)); },
     [](const W &) { return std::optional<double>(); }},
    {"seed", "Seed", "1..8:+1", [](W &w, Text t) { return set_whole("seed", t, w.seed); },
     [](const W &w) { return fmt::format("{}", w.seed); },
     [](const W &w) { return std::optional(double(w.seed)); }, true},
};

struct ValueRange {
    std::int64_t low = 0, high = 0, step = 0;
    bool times = false; // the step multiplies
};

// "1..64:x2" or "16..256:+16".
std::optional<ValueRange> parse_range(std::string_view text) {
    const std::size_t dots = text.find(".."), colon = text.rfind(':');
    if (dots == std::string_view::npos || colon == std::string_view::npos || colon < dots + 2 ||
        colon + 2 > text.size())
        return std::nullopt;
    const char kind = text[colon + 1];
    const auto low = parsed<std::int64_t>(text.substr(0, dots));
    const auto high = parsed<std::int64_t>(text.substr(dots + 2, colon - dots - 2));
    const auto step = parsed<std::int64_t>(text.substr(colon + 2));
    if (!low || !high || !step || (kind != 'x' && kind != '+') || *low < 0 || *high < *low)
        return std::nullopt;
    const ValueRange range{*low, *high, *step, kind == 'x'};
    const bool moves = range.times ? range.step >= 2 && range.low >= 1 : range.step >= 1;
    return moves ? std::optional(range) : std::nullopt;
}

// "5..1", with a step or without.
bool runs_backwards(std::string_view text) {
    const std::size_t dots = text.find("..");
    const auto low = parsed<std::int64_t>(text.substr(0, dots));
    const std::string_view end = text.substr(dots + 2);
    const auto high = parsed<std::int64_t>(end.substr(0, end.find(':')));
    return low && high && *high < *low;
}

Error too_many() {
    return {fmt::format("the sweep has more than {} points", kMostSweepPoints),
            "each of them is a run of its own", "choose fewer values"};
}

Status append(const ValueRange &range, std::vector<std::string> &values) {
    for (std::int64_t value = range.low; value <= range.high;) {
        if (values.size() >= kMostSweepPoints)
            return too_many();
        values.push_back(fmt::format("{}", value));
        const std::int64_t room = std::numeric_limits<std::int64_t>::max();
        if (range.times ? value > room / range.step : value > room - range.step)
            break;
        value = range.times ? value * range.step : value + range.step;
    }
    return {};
}

Status check_values(const SweepParameter &parameter, const std::vector<std::string> &values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        Workload any;
        MOESCOPE_TRY(parameter.set(any, values[i]));
        if (std::find(values.begin(), values.begin() + std::ptrdiff_t(i), values[i]) != values.begin() + std::ptrdiff_t(i))
            return Error{fmt::format("{} has {} twice", parameter.name, values[i]), "a sweep runs each value once", {}};
    }
    return {};
}

SweepPoint point_at(const Workload &base, std::span<const SweepAxis> axes, std::size_t index) {
    SweepPoint point{{}, {}, base, {}};
    point.values.resize(axes.size());
    for (std::size_t i = axes.size(); i-- > 0; index /= axes[i].values.size())
        point.values[i] = axes[i].values[index % axes[i].values.size()];
    for (std::size_t i = 0; i < axes.size(); ++i) {
        if (const Status set = axes[i].parameter->set(point.workload, point.values[i]); !set && point.status)
            point.status = set;
        point.label += fmt::format("{}{} {}", i > 0 ? ", " : "", axes[i].parameter->name, point.values[i]);
    }
    if (point.status)
        point.status = validate(point.workload);
    return point;
}

} // namespace

std::span<const SweepParameter> sweep_parameters() { return kParameters; }

Result<const SweepParameter *> find_sweep_parameter(std::string_view name) {
    std::string plain(name);
    std::replace(plain.begin(), plain.end(), '-', '_');
    std::vector<std::string_view> names;
    for (const SweepParameter &each : kParameters) {
        if (each.name == plain)
            return &each;
        names.push_back(each.name);
    }
    return Error{fmt::format("axis \"{}\" is unknown", name),
                 fmt::format("it may be {}", fmt::join(names, ", ")),
                 {}};
}

Result<SweepAxis> parse_axis(const SweepParameter &parameter, std::string_view values) {
    SweepAxis axis{&parameter, {}};
    for (std::string_view rest = values;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view part = rest.substr(0, comma);
        if (parameter.whole && part.find("..") != std::string_view::npos) {
            const auto range = parse_range(part);
            if (!range && runs_backwards(part))
                return Error{fmt::format("{} is \"{}\"", parameter.name, part), "the end of the range is below its start",
                             "write the smaller value first"};
            if (!range)
                return wrong(parameter.name, part, "a range like 1..64:x2 or 16..256:+16");
            MOESCOPE_TRY(append(*range, axis.values));
        } else if (part.empty())
            return wrong(parameter.name, values,
                         fmt::format("values separated by single commas, as in {}", parameter.example));
        else
            axis.values.emplace_back(part);
        if (comma == std::string_view::npos)
            break;
        rest.remove_prefix(comma + 1);
    }
    if (axis.values.size() > kMostSweepPoints)
        return too_many();
    MOESCOPE_TRY(check_values(parameter, axis.values));
    return axis;
}

Result<SweepAxis> parse_axis(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
        return wrong("axis", text, "a parameter and its values, as in tokens=1,8,64");
    const auto parameter = find_sweep_parameter(text.substr(0, equals));
    if (!parameter)
        return parameter.error();
    return parse_axis(**parameter, text.substr(equals + 1));
}

Result<std::vector<SweepPoint>> expand(const Workload &base, std::span<const SweepAxis> axes) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j)
            if (axes[i].parameter == axes[j].parameter)
                return Error{fmt::format("axis {} is given twice", axes[i].parameter->name),
                             "its values belong in one list", {}};
        count *= axes[i].values.size();
        if (count > kMostSweepPoints)
            return too_many();
    }
    std::vector<SweepPoint> points;
    for (std::size_t i = 0; i < count; ++i)
        points.push_back(point_at(base, axes, i));
    return points;
}

} // namespace moescope
