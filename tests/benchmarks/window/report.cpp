#include "tests/benchmarks/window/report.h"

#include "profiler/base/units.h"

#include <fmt/format.h>

#include <fstream>
#include <thread>

namespace moescope::bench {

std::string machine_text() {
    std::ifstream file("/proc/cpuinfo");
    std::string name = "a CPU that does not tell its name";
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name") && line.find(": ") != line.npos) {
            name = line.substr(line.find(": ") + 2);
            break;
        }
    return fmt::format("{}, {} hardware threads", name, std::thread::hardware_concurrency());
}

std::string build_text() {
    return fmt::format("g++ {}, {} ({})", __VERSION__, MOESCOPE_BUILD_TYPE, MOESCOPE_BUILD_FLAGS);
}

std::string Report::markdown() const {
    std::string text = fmt::format("# The window on {} kernels, {}\n\n", format_count(double(kernels)), date);
    text += fmt::format("{}. {}. A made-up session of {} records ({} kernels, the others are their launches, copies, "
                        "allocations, counters and samples), {} as a file that the page cache holds; the window is {} x {} "
                        "pixels. Written by window_benchmark; no display, no GPU.\n\n",
                        machine, build, format_count(double(records)), format_count(double(kernels)),
                        format_bytes(double(file_bytes)), width, height);
    text += "| figure | measured | wanted | | |\n|---|---:|---:|---|---|\n";
    for (const Figure &f : figures)
        text += fmt::format("| {} | {:.4g} {} | {} {:.3g} {} | {} | {} |\n", f.name, f.value, f.unit,
                            f.at_least ? "at least" : "at most", f.wanted, f.unit, f.met() ? "met" : "missed", f.note);
    text += "\nA frame, view by view, with the workload and the inspector beside it: CPU time of the window's thread from "
            "NewFrame to Render, while the pointer sweeps over the view and the wheel zooms in and out. The first "
            "frame fills the view's caches. Elements: of the session and of the timeline's index looked at in a frame.\n\n"
            "| view | median ms | 99 % ms | worst ms | first ms | vertices, most | elements, most |\n"
            "|---|---:|---:|---:|---:|---:|---:|\n";
    for (const ViewCost &v : views)
        text += fmt::format("| {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {} | {} |\n", v.view, v.median_ms, v.p99_ms,
                            v.worst.cpu_ms, v.first.cpu_ms, format_count(v.worst.vertices),
                            format_count(double(v.worst.records)));
    text += "\nWhat happens beside that, each watched at 60 Hz until nothing is made in the background any more:\n\n"
            "| moment | frames | median ms | worst ms |\n|---|---:|---:|---:|\n";
    for (const ViewCost &v : moments)
        text += fmt::format("| {} | {} | {:.2f} | {:.2f} |\n", v.view, v.frames, v.median_ms, v.worst.cpu_ms);
    return text;
}

std::string Report::json() const {
    Json list = Json::array(), frames = Json::array(), changes = Json::array();
    for (const Figure &f : figures)
        list.add(Json::object()
                     .set("name", f.name)
                     .set("value", f.value)
                     .set("unit", f.unit)
                     .set(f.at_least ? "at_least" : "at_most", f.wanted)
                     .set("met", f.met())
                     .set("note", f.note));
    for (const ViewCost &v : views)
        frames.add(Json::object()
                       .set("view", v.view)
                       .set("frames", int(v.frames))
                       .set("median_ms", v.median_ms)
                       .set("p99_ms", v.p99_ms)
                       .set("worst_ms", v.worst.cpu_ms)
                       .set("first_ms", v.first.cpu_ms)
                       .set("vertices", v.worst.vertices)
                       .set("elements", double(v.worst.records)));
    for (const ViewCost &v : moments)
        changes.add(Json::object()
                        .set("moment", v.view)
                        .set("frames", int(v.frames))
                        .set("median_ms", v.median_ms)
                        .set("worst_ms", v.worst.cpu_ms));
    return Json::object()
               .set("date", date)
               .set("machine", machine)
               .set("build", build)
               .set("kernels", double(kernels))
               .set("records", double(records))
               .set("file_bytes", double(file_bytes))
               .set("width", width)
               .set("height", height)
               .set("figures", list)
               .set("views", frames)
               .set("moments", changes)
               .text() +
           "\n";
}

} // namespace moescope::bench
