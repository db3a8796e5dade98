// "What does this kernel run?": a tile kernel's source as it was compiled, an edited text in its place
// with what the compiler says and how long it takes beside the original, the machine code beside it, and
// where warps waited.
#pragma once

#include "app/views/view_context.h"
#include "profiler/compare/retiming.h"
#include "profiler/explain/source_heat.h"
#include "profiler/source/sass.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

// What an answer was made into for drawing, once.
struct SourceState {
    SourceRequest asked;             // what is shown, or was asked for; arch "": nothing yet
    std::uint64_t question = 0;      // not answered yet; 0: none
    std::shared_ptr<const SourceAnswer> answer;
    std::size_t file = 0;            // of the answer's files
    std::string edited;              // its text while it is edited
    bool editing = false, ptx = false;
    std::string line_file;           // the line chosen, in both lists
    std::int32_t line = 0;
    bool show_code_line = false, show_machine_line = false; // scroll there in the next frame
    std::vector<SassLine> sass;      // of the answer
    std::vector<std::string> machine; // PTX or the reason for no machine code, by line

    SessionPtr retiming_session;
    RunId retiming_run;
    std::optional<Retiming> retiming; // of the run shown

    SessionPtr heat_session;
    std::string heat_file;
    MeasurementId heat_measurement;
    SourceHeat heat;
};

// The measurement's kernel, to be compiled: on a device without an architecture for Hopper.
SourceRequest source_request(const Session &session, const Measurement &measurement);

// Where the edited kernel can be timed: a device of the worker with the architecture that it was compiled
// for. The error says why not.
Result<std::string> device_to_time_on(const WorkerClient::Progress &progress, const std::string &arch);

void draw_source(const ViewContext &context, SourceState &state);

} // namespace moescope
