// What the window costs on a session of a million kernels: how long it takes to open, a frame of every
// view, memory, an export, a plan's start.
//
//     window_benchmark [--kernels N] [--worker FILE] [--json FILE] [--markdown FILE]
//                                     exit code 1 where the records take too much memory
//     window_benchmark --check ...    on smaller sessions: exit code 1 where a frame's work grows with the
//                                     records, or they take too much memory
//     window_benchmark --start-only --worker FILE
#include "tests/benchmarks/window/cost.h"
#include "tests/benchmarks/window/moments.h"
#include "tests/benchmarks/window/report.h"
#include "tests/benchmarks/window/start.h"

#include "profiler/export/exporters.h"
#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <stdexcept>

namespace moescope::bench {

namespace {

constexpr int kWidth = 1920, kHeight = 1080; // room for two views: the timeline is one of them
constexpr double kFrameMs = 4, kSixtiethMs = 1e3 / 60;

struct Options {
    std::size_t kernels = 1'000'000;
    std::string worker, json, markdown;
    bool check = false, start_only = false;
};

// A folder that goes away with everything in it.
class Scratch {
  public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "moescope-window-XXXXXX").string();
        if (!mkdtemp(name.data()))
            throw std::runtime_error("no folder can be made in " + name);
        path_ = name;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    std::filesystem::path operator/(const char *name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

// In a process of its own: nothing of it is left in the memory that is measured.
using MakeSession = std::function<SessionPtr()>;
void write_session(const MakeSession &make, const std::filesystem::path &file) {
    const pid_t child = fork();
    if (child == 0)
        _exit(save_session(*make(), file).ok() ? 0 : 1);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        throw std::runtime_error("the session could not be written to " + file.string());
}

std::int64_t records_of(const Session &s) {
    return std::int64_t(s.kernels.size() + s.api_calls.size() + s.copies.size() + s.memory.size() + s.overheads.size() +
                        s.counters.size() + s.pm_samples.size() + s.device_states.size() + s.pc_samples.size());
}

std::string utc_today() {
    const std::time_t now = std::time(nullptr);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
    return text;
}

std::vector<ViewCost> frames_of(FrameDesk &desk) {
    std::vector<ViewCost> costs;
    for (const View &view : views())
        costs.push_back(desk.cost_of(view.id));
    return costs;
}

Figure worst_frame(std::string name, const std::vector<ViewCost> &costs, double wanted_ms) {
    const auto worst = std::ranges::max_element(costs, {}, [](const ViewCost &v) { return v.worst.cpu_ms; });
    return {std::move(name), "ms", worst->worst.cpu_ms, wanted_ms, false, worst->view};
}

// Twice as many pixels each way, at twice the scale.
Figure large_figure(FrameDesk &desk) {
    desk.resize(2 * kWidth, 2 * kHeight);
    desk.rescale(2);
    const Figure worst = worst_frame("a frame of 3840 x 2160 at twice the scale, the worst", frames_of(desk), kFrameMs);
    desk.resize(kWidth, kHeight);
    desk.rescale(1);
    return worst;
}

Figure trace_figure(const Session &session, const std::filesystem::path &file) {
    const double start = now_ms();
    if (const Status written = export_chrome_trace(session, file); !written.ok())
        throw std::runtime_error(written.error().sentence());
    const double ms = now_ms() - start, bytes = double(std::filesystem::file_size(file));
    return {"Chrome trace", "MB/s", bytes * 1e-6 / (ms * 1e-3), 100, true,
            fmt::format("{:.0f} MB in {:.2f} s", bytes * 1e-6, ms * 1e-3)};
}

Figure start_figure(const std::string &worker) {
    const auto start = start_of_plan(worker);
    if (!start)
        throw std::runtime_error(start.error().sentence());
    return {"100 short launches, click to start", "ms", start->ms, 100, false,
            fmt::format("{}; the first time {:.0f} ms", start->device, start->first_ms)};
}

Report measure(const MakeSession &make, const std::string &worker) {
    const Scratch folder;
    const auto file = folder / "large.moescope";
    write_session(make, file);
    Report report{.date = utc_today(), .machine = machine_text(), .build = build_text(),
                  .file_bytes = std::int64_t(std::filesystem::file_size(file)), .width = kWidth, .height = kHeight};

    FrameDesk desk(kWidth, kHeight);
    for (int i = 0; i < 4; ++i)
        desk.frame();
    const std::int64_t before = resident_bytes();
    const FrameDesk::Opening opening = desk.open(file);
    const std::int64_t after = resident_bytes();
    const SessionPtr session = desk.shell().shown();
    report.kernels = std::int64_t(session->kernels.size());
    report.records = records_of(*session);
    report.resident_bytes = after - before;
    report.figures.push_back({"open, to the first frame that shows it", "s", opening.shown_ms * 1e-3, 2, false, "wall time"});
    report.figures.push_back({"open, to the timeline in order", "s", opening.whole_ms * 1e-3, 2, false, "wall time"});
    report.figures.push_back({"memory a record", "bytes", double(after - before) / double(report.records), 200, false,
                              fmt::format("of any kind; {:.0f} bytes a kernel with its launch and the rest; {:.0f} MB "
                                          "resident for all, {:.0f} MB at most while opening",
                                          double(after - before) / double(report.kernels), double(after - before) * 1e-6,
                                          double(most_resident_bytes() - before) * 1e-6)});
    const ViewCost window = desk.cost_of_window();
    report.views = frames_of(desk);
    report.views.insert(report.views.begin(), window);
    report.figures.push_back(worst_frame("a frame, the worst of all views", report.views, kFrameMs));
    const auto first = std::ranges::max_element(report.views, {}, [](const ViewCost &v) { return v.first.cpu_ms; });
    report.figures.push_back({"a view's first frame, the worst", "ms", first->first.cpu_ms, kFrameMs, false, first->view});
    report.figures.push_back(large_figure(desk));
    report.moments = moments_of(desk, file);
    report.figures.push_back(worst_frame("a frame while something changes, the worst", report.moments, kSixtiethMs));
    report.figures.push_back(trace_figure(*session, folder / "trace.json"));
    if (!worker.empty())
        report.figures.push_back(start_figure(worker));
    return report;
}

// What a small session costs, to hold a large one against it.
struct Costs {
    double bytes = 0; // resident
    std::int64_t records = 0, kernels = 0;
    std::array<std::uint64_t, 32> elements{}; // by view
    std::size_t views = 0;
};

Costs costs_of(const Report &report) {
    Costs costs{double(report.resident_bytes), report.records, report.kernels, {}, report.views.size()};
    for (std::size_t i = 0; i < std::min(costs.views, costs.elements.size()); ++i)
        costs.elements[i] = report.views[i].worst.records;
    return costs;
}

// In a process of its own, as memory that was used once is not given back.
Costs measure_apart(const MakeSession &make) {
    int ends[2];
    if (pipe(ends) != 0)
        throw std::runtime_error("no pipe can be made");
    const pid_t child = fork();
    if (child == 0) {
        const Costs costs = costs_of(measure(make, ""));
        _exit(write(ends[1], &costs, sizeof costs) == ssize_t(sizeof costs) ? 0 : 1);
    }
    close(ends[1]);
    Costs costs;
    const bool whole = child > 0 && read(ends[0], &costs, sizeof costs) == ssize_t(sizeof costs);
    close(ends[0]);
    if (child > 0)
        waitpid(child, nullptr, 0);
    if (!whole)
        throw std::runtime_error("the smaller session could not be measured");
    return costs;
}

// What holds on every machine; a sentence for each that does not. What the window takes for any session
// is in both of them: a record's bytes are of the difference. Both have the same runs and measurements: views
// may look at all of those, and at no more records where there are more.
std::vector<std::string> broken(const Costs &few, const Report &report) {
    const Costs many = costs_of(report);
    std::vector<std::string> sentences;
    constexpr double kBytes = 200, kGrowth = 1.5; // for four times the records
    constexpr std::uint64_t kSlack = 256;
    const double bytes = (many.bytes - few.bytes) / double(many.records - few.records);
    fmt::print("\n{:.0f} bytes for each further record, from {} to {} kernels.\n", bytes, few.kernels, many.kernels);
    if (bytes > kBytes)
        sentences.push_back(fmt::format("{:.0f} bytes of memory for each further record", bytes));
    for (std::size_t i = 0; i < report.views.size(); ++i) {
        const ViewCost &view = report.views[i];
        if (double(many.elements[i]) > kGrowth * double(few.elements[i] + kSlack))
            sentences.push_back(fmt::format("a frame of {} looks at {} elements with {} kernels and at {} with {}", view.view,
                                            few.elements[i], few.kernels, many.elements[i], many.kernels));
        if (view.worst.vertices > report.width * report.height / 4)
            sentences.push_back(fmt::format("a frame of {} has {} vertices", view.view, view.worst.vertices));
    }
    return sentences;
}

// Of a large session's figures, those that depend on no machine: a sentence for each that is missed.
std::vector<std::string> missed_everywhere(const Report &report) {
    std::vector<std::string> sentences;
    for (const Figure &figure : report.figures)
        if (figure.unit == std::string("bytes") && figure.value > figure.wanted)
            sentences.push_back(fmt::format("{}: {:.0f} bytes, at most {:.0f} are wanted", figure.name, figure.value, figure.wanted));
    return sentences;
}

void write_file(const std::string &path, const std::string &text) {
    if (path.empty())
        return;
    std::ofstream file(path);
    file << text;
    if (!file.flush())
        throw std::runtime_error("cannot write " + path);
}

int run(const Options &options) {
    if (options.start_only) {
        const Figure figure = start_figure(options.worker);
        fmt::print("{}: {:.1f} {} ({}), wanted at most {}\n", figure.name, figure.value, figure.unit, figure.note,
                   figure.wanted);
        return 0;
    }
    constexpr std::size_t kRuns = 12;
    constexpr int kFew = 200, kMany = 800; // repetitions
    const Costs few = options.check ? measure_apart([] { return test::session_of_runs(kRuns, kFew); }) : Costs{};
    const Report report = measure(
        [&] { return options.check ? test::session_of_runs(kRuns, kMany) : test::large_session(options.kernels); },
        options.worker);
    fmt::print("{}", report.markdown());
    write_file(options.json, report.json());
    write_file(options.markdown, report.markdown());
    const std::vector<std::string> sentences = options.check ? broken(few, report) : missed_everywhere(report);
    for (const std::string &sentence : sentences)
        fmt::print(stderr, "window_benchmark: {}\n", sentence);
    return sentences.empty() ? 0 : 1;
}

} // namespace

} // namespace moescope::bench

int main(int count, char **words) {
    using moescope::bench::Options;
    Options options;
    CLI::App app("What the window costs on a large session.");
    app.add_option("--kernels", options.kernels, "of the session; a million if not named")->check(CLI::Range(1000, 20'000'000));
    app.add_option("--worker", options.worker, "a moescope-worker to time a plan's start with");
    app.add_option("--json", options.json, "write the figures there");
    app.add_option("--markdown", options.markdown, "write the table there");
    app.add_flag("--start-only", options.start_only, "time nothing but a plan's start");
    app.add_flag("--check", options.check, "on smaller sessions; exit code 1 where what holds on any machine does not");
    CLI11_PARSE(app, count, words);
    try {
        return moescope::bench::run(options);
    } catch (const std::exception &problem) {
        fmt::print(stderr, "window_benchmark: {}\n", problem.what());
        return 2;
    }
}
