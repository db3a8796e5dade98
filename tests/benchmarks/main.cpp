// Times every row of the table on this machine's GPU and says how far each is from its floor.
//
//     kernel_benchmarks [--json FILE] [--only TEXT]... [--configs FILE] [--rest S] [--gap MS]
//                       [--seconds N] [--list]
//     kernel_benchmarks --watch FILE [--seconds N]     one launch of each row of the file, for a
//                                                      profiler
//
// FILE of --configs and --watch: lines of a row's name, a tab, and the configuration it runs with,
// without a race. --rest: seconds before a row's samples, --gap: milliseconds before each, in which
// the device draws little power.
#include "tests/benchmarks/ceilings.h"
#include "tests/benchmarks/json.h"
#include "tests/benchmarks/row.h"

#include "profiler/stats/summary.h"

#include <cuda_profiler_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace moescope::bench {

namespace {

struct Options {
    std::string json, watch, configs;
    std::vector<std::string> only; // substrings of names
    double seconds = 1e9;          // rows that would start later are left out, and said so
    double rest_s = 3;             // a race of tiles draws power for seconds: before the samples
    double gap_ms = 0;             // before each sample
    bool list = false;
};

struct Floor {
    double ns = 0;
    const char *by = "";
};

// No launch is shorter than an empty one.
Floor floor_of(const Cost &cost, const MeasuredCeilings &ceilings) {
    const Floor limits[] = {{cost.bytes / ceilings.read_bytes_per_second * 1e9, "memory"},
                            {cost.flops / ceilings.matrix_flops_per_second * 1e9, "matrix units"},
                            {ceilings.empty_launch_ns, "launch"}};
    return *std::max_element(std::begin(limits), std::end(limits),
                             [](const Floor &a, const Floor &b) { return a.ns < b.ns; });
}

// A sequence is bound by what binds each of its parts.
Floor floor_of(const Case &made, const MeasuredCeilings &ceilings) {
    if (made.parts.empty())
        return floor_of(made.cost, ceilings);
    Floor sum{0, "its parts"};
    for (const Cost &part : made.parts)
        sum.ns += floor_of(part, ceilings).ns;
    return sum;
}

double seconds_since_start() {
    static const auto start = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double percentile(std::vector<float> values, double share) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1, std::size_t(share * double(values.size())))];
}

Json json_of(const MeasuredCeilings &c) {
    return Json::object()
        .set("read_bytes_per_second", c.read_bytes_per_second)
        .set("write_bytes_per_second", c.write_bytes_per_second)
        .set("copy_bytes_per_second", c.copy_bytes_per_second)
        .set("empty_launch_us", c.empty_launch_ns / 1e3)
        .set("matrix_flops_per_second", c.matrix_flops_per_second)
        .set("own_matrix_flops_per_second", c.own_matrix_flops_per_second)
        .set("own_matrix_config", c.own_matrix_config)
        .set("cublas_flops_per_second", c.cublas_flops_per_second)
        .set("cublas_library", c.cublas_library);
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    char text[40];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    return text;
}

Json json_of_device() {
    const DeviceFacts &facts = device_facts();
    Json json = Json::object()
                    .set("name", facts.name)
                    .set("arch", facts.arch)
                    .set("multiprocessors", facts.multiprocessors)
                    .set("l2_bytes", double(facts.l2_bytes))
                    .set("driver", facts.driver)
                    .set("cuda", facts.runtime);
    if (nvml()) {
        const Nvml::State state = nvml()->state();
        json.set("memory_clock_mhz", state.memory_clock_mhz)
            .set("temperature_c", state.temperature_c)
            .set("power_w", state.power_w);
    }
    return json;
}

// The fastest of each variant, and how many others there were.
Json json_of(const std::vector<Choice> &tried) {
    struct Best {
        const Choice *fastest = nullptr;
        int timed = 0, refused = 0, left_out = 0;
    };
    std::map<std::string, Best> best;
    for (const Choice &choice : tried) {
        Best &one = best[choice.variant];
        ++(choice.left_out ? one.left_out : choice.refused.empty() ? one.timed : one.refused);
        if (choice.ns > 0 && (!one.fastest || choice.ns < one.fastest->ns))
            one.fastest = &choice;
    }
    Json json = Json::array();
    for (const auto &[variant, one] : best) {
        Json entry = Json::object().set("variant", variant);
        if (one.fastest)
            entry.set("config", one.fastest->text).set("us", one.fastest->ns / 1e3);
        json.add(entry.set("timed", one.timed)
                     .set("refused", one.refused)
                     .set("left_out", one.left_out));
    }
    return json;
}

int left_out(const std::vector<Choice> &tried) {
    return int(std::count_if(tried.begin(), tried.end(), [](auto &one) { return one.left_out; }));
}

// A row's name and its configuration, or "", of a line.
std::pair<std::string, std::string> named_config(const std::string &line) {
    const std::size_t tab = line.find('\t');
    return {line.substr(0, tab), tab < line.size() ? line.substr(tab + 1) : ""};
}

std::map<std::string, std::string> read_configs(const std::string &path) {
    std::map<std::string, std::string> configs;
    if (path.empty())
        return configs;
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error(path + " cannot be read");
    for (std::string line; std::getline(file, line);)
        configs.insert(named_config(line));
    return configs;
}

Json measure(const Row &row, const MeasuredCeilings &ceilings, const std::string &config,
             const Options &options) {
    const double start = seconds_since_start();
    const Case made = row.make(config);
    // Without a rest a row that is chosen a tile for would start at the power cap.
    if (!made.tried.empty() || !config.empty())
        std::this_thread::sleep_for(std::chrono::duration<double>(options.rest_s));
    Timing timing{.gap_us = options.gap_ms * 1e3};
    if (median(time_launches(made.launch, made.sets, {.samples = 10}).ns) < kShortNs)
        timing.launches = kShortLaunches;
    const Samples samples = time_launches(made.launch, made.sets, timing);
    const Summary summary = summarize(samples.ns);
    const Floor floor = floor_of(made, ceilings);
    const double distance = summary.median / floor.ns;
    std::printf("%-17s %-52s %-14s %10.2f %10.2f %6.2f %9.2f %5.1f%% %5.1f  %s\n", row.op.c_str(),
                row.shape.c_str(), row.pass.c_str(), floor.ns / 1e3, summary.median / 1e3, distance,
                row.target_us, 100 * summary.relative_ci(), seconds_since_start() - start,
                made.config.c_str());
    if (const int count = left_out(made.tried))
        std::printf("  left out for lack of time: %d of %zu tiles\n", count, made.tried.size());
    std::fflush(stdout);
    Json json = Json::object()
                    .set("op", row.op)
                    .set("shape", row.shape)
                    .set("pass", row.pass)
                    .set("bytes", made.cost.bytes)
                    .set("flops", made.cost.flops)
                    .set("floor_us", floor.ns / 1e3)
                    .set("floor_by", floor.by)
                    .set("median_us", summary.median / 1e3)
                    .set("distance", distance)
                    .set("target_us", row.target_us)
                    .set("peer_us", row.peer_us)
                    .set("peer", row.peer)
                    .set("minimum_us", summary.minimum / 1e3)
                    .set("p95_us", percentile(samples.ns, 0.95) / 1e3)
                    .set("ci_low_us", summary.ci_low / 1e3)
                    .set("ci_high_us", summary.ci_high / 1e3)
                    .set("samples", int(summary.samples))
                    .set("launches_a_sample", timing.launches)
                    .set("input_sets", made.sets)
                    .set("rest_s", options.rest_s)
                    .set("gap_ms", options.gap_ms)
                    .set("sm_clock_mhz", samples.sm_clock_mhz)
                    .set("clock_event_reasons", double(samples.clock_event_reasons))
                    .set("config", made.config)
                    .set("row_seconds", seconds_since_start() - start);
    if (!made.tried.empty())
        json.set("tried", json_of(made.tried));
    return json;
}

Json failure(const Row &row, const std::string &why) {
    std::printf("%-17s %-52s %-14s %s\n", row.op.c_str(), row.shape.c_str(), row.pass.c_str(),
                why.c_str());
    std::fflush(stdout);
    return Json::object()
        .set("op", row.op)
        .set("shape", row.shape)
        .set("pass", row.pass)
        .set("error", why);
}

bool is_wanted(const Row &row, const Options &options) {
    return options.only.empty() ||
           std::any_of(options.only.begin(), options.only.end(), [&](const std::string &text) {
               return row.name().find(text) != std::string::npos;
           });
}

std::vector<Row> all_rows() {
    std::vector<Row> rows;
    for (std::vector<Row> (*const family)() : {routing_rows, router_rows, grouped_rows, training_rows,
                                           layer_rows, dequant_rows, logprob_rows})
        for (Row &row : family())
            rows.push_back(std::move(row));
    return rows;
}

// Written after every row: a run that is stopped keeps what it has.
void write_report(const std::string &path, const MeasuredCeilings &ceilings, const Json &rows) {
    if (path.empty())
        return;
    const Json report = Json::object()
                            .set("format", "moescope.benchmarks")
                            .set("version", 1)
                            .set("date", utc_now())
                            .set("device", json_of_device())
                            .set("ceilings", json_of(ceilings))
                            .set("rows", rows);
    if (!(std::ofstream(path) << report.text() << "\n"))
        throw std::runtime_error(path + " cannot be written");
}

int measure_all(const Options &options) {
    const std::map<std::string, std::string> configs = read_configs(options.configs);
    const MeasuredCeilings ceilings = measure_ceilings();
    std::printf("ceilings: %s\n\n", json_of(ceilings).text().c_str());
    std::printf("%-17s %-52s %-14s %10s %10s %6s %9s %6s %5s  %s\n", "operator", "shape", "pass",
                "floor us", "time us", "x", "target us", "spread", "row s", "config");
    Json rows = Json::array();
    int failures = 0;
    for (const Row &row : all_rows()) {
        if (!is_wanted(row, options))
            continue;
        if (seconds_since_start() > options.seconds) {
            rows.add(failure(row, "not measured: the time was up"));
            write_report(options.json, ceilings, rows);
            continue;
        }
        const auto config = configs.find(row.name());
        try {
            rows.add(measure(row, ceilings, config == configs.end() ? "" : config->second, options));
        } catch (const std::exception &problem) {
            ++failures;
            rows.add(failure(row, problem.what()));
        }
        write_report(options.json, ceilings, rows);
    }
    std::printf("\n%.0f s in all, %d rows failed\n", seconds_since_start(), failures);
    return failures == 0 ? 0 : 1;
}

// Prepares and warms up unwatched: a profiler started with the profiling off sees one launch, behind a
// marker whose grid says which line of the file it is.
void watch_one(const Row &row, const std::string &config, int line) {
    const Case made = row.make(config);
    check(made.launch(0, stream()), "launch");
    check(cudaStreamSynchronize(stream()), "the first launch");
    check(cudaProfilerStart(), "cudaProfilerStart");
    mark_line(line);
    check(made.launch(made.sets > 1 ? 1 : 0, stream()), "launch");
    check(cudaStreamSynchronize(stream()), "the watched launch");
    check(cudaProfilerStop(), "cudaProfilerStop");
}

int watch(const Options &options) {
    std::ifstream file(options.watch);
    std::string text;
    for (int line = 0; std::getline(file, text) && seconds_since_start() < options.seconds; ++line) {
        const auto [name, config] = named_config(text);
        for (const Row &row : all_rows())
            try {
                if (row.name() == name)
                    watch_one(row, config, line);
            } catch (const std::exception &problem) {
                std::fprintf(stderr, "%s: %s\n", row.name().c_str(), problem.what());
            }
    }
    return 0;
}

bool parse(int count, char **words, Options &options) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--list") {
            options.list = true;
            continue;
        }
        if (++i >= count)
            return false;
        if (word == "--json")
            options.json = words[i];
        else if (word == "--only")
            options.only.emplace_back(words[i]);
        else if (word == "--watch")
            options.watch = words[i];
        else if (word == "--configs")
            options.configs = words[i];
        else if (word == "--seconds")
            options.seconds = std::atof(words[i]);
        else if (word == "--rest")
            options.rest_s = std::atof(words[i]);
        else if (word == "--gap")
            options.gap_ms = std::atof(words[i]);
        else
            return false;
    }
    return true;
}

int run(const Options &options) {
    if (options.list) {
        for (const Row &row : all_rows())
            std::printf("%s\n", row.name().c_str());
        return 0;
    }
    return options.watch.empty() ? measure_all(options) : watch(options);
}

} // namespace

} // namespace moescope::bench

int main(int count, char **words) {
    moescope::bench::Options options;
    if (!moescope::bench::parse(count, words, options)) {
        std::fprintf(stderr, "usage: %s [--json FILE] [--only TEXT]... [--configs FILE] [--rest S] "
                             "[--gap MS] [--seconds N] [--list]\n"
                             "       %s --watch FILE [--seconds N]\n",
                     words[0], words[0]);
        return 2;
    }
    try {
        moescope::bench::seconds_since_start();
        return moescope::bench::run(options);
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
}
