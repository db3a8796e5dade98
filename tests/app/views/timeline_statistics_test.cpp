#include "app/views/timeline_statistics.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <numeric>

using namespace moescope;
using Catch::Approx;

namespace {

const TrackKey kKernels{TrackKind::Kernels, 0, 7};

StretchQuestion everything(const TimelineModel &model) {
    StretchQuestion question{model.extent().start_ns, model.extent().end_ns + 1, {}, {}};
    for (const auto &[key, rows] : model.tracks())
        if (key.kind == TrackKind::Kernels)
            question.tracks.push_back(key);
    return question;
}

} // namespace

TEST_CASE("a stretch's statistics are those of the kernels that begin in it", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    StretchQuestion question = everything(model);
    const std::int64_t middle = session->kernels[session->kernels.size() / 2].start_ns;
    for (const auto &[start, end] : {std::pair{question.start_ns, question.end_ns}, std::pair{question.start_ns, middle},
                                     std::pair{middle, question.end_ns}}) {
        question.start_ns = start;
        question.end_ns = end;
        std::vector<float> durations;
        for (const KernelRecord &kernel : session->kernels)
            if (kernel.start_ns >= start && kernel.start_ns < end)
                durations.push_back(float(kernel.end_ns - kernel.start_ns));
        REQUIRE(durations.size() > 10);
        const StretchStatistics found = statistics_of(model, question);
        CHECK(items_in(model, question) == durations.size());
        CHECK(found.time == summarize(durations));
        CHECK(found.total_ns == Approx(std::accumulate(durations.begin(), durations.end(), 0.0)));
        std::size_t of_names = 0;
        for (const auto &name : found.names)
            of_names += name.count;
        CHECK(of_names == durations.size());
        CHECK(std::ranges::is_sorted(found.names, std::ranges::greater{}, &StretchStatistics::Name::total_ns));
    }
}

TEST_CASE("the statistics of a name leave the others out", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    StretchQuestion question = everything(model);
    question.name = session->kernels[0].name.value;
    const StretchStatistics found = statistics_of(model, question);
    REQUIRE(found.names.size() == 1);
    CHECK(found.names[0].name == *question.name);
    CHECK(found.time.samples == std::size_t(std::ranges::count(session->kernels, session->kernels[0].name, &KernelRecord::name)));
    question.name = 0xfffffff0;
    CHECK(statistics_of(model, question).time.samples == 0);
    question.tracks = {{TrackKind::Kernels, 99, 99}};
    CHECK(items_in(model, question) == 0);
}

TEST_CASE("a histogram holds every duration once, in bins that grow by a ratio", "[timeline]") {
    std::vector<float> durations;
    for (int i = 0; i < 1000; ++i)
        durations.push_back(float(100 * std::pow(1000.0, i / 999.0)));
    const DurationHistogram histogram = histogram_of(durations, 10);
    REQUIRE(histogram.bins.size() == 10);
    for (const std::uint32_t bin : histogram.bins)
        CHECK(bin == Approx(100).margin(2)); // evenly spread logarithms
    CHECK(std::accumulate(histogram.bins.begin(), histogram.bins.end(), 0u) == 1000);
    CHECK(histogram.from_ns(0) == Approx(100));
    CHECK(histogram.from_ns(10) == Approx(100'000));

    CHECK(histogram_of({}, 10).bins.empty());
    const std::vector<float> same(7, 5.0f), none(3, 0.0f);
    CHECK(histogram_of(same, 10).bins == std::vector<std::uint32_t>{7});
    CHECK(histogram_of(none, 10).bins == std::vector<std::uint32_t>{3});
}
