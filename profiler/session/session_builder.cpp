#include "profiler/session/session_builder.h"

#include "profiler/base/clock.h"

#include <cstdint>
#include <utility>

namespace moescope {

namespace {

// Appends and gives back the new element's id.
template <typename IdType, typename Column, typename Record>
IdType append(Column &column, Record &&record) {
    const IdType id{std::uint32_t(column.size())};
    column.push_back(std::forward<Record>(record));
    return id;
}

// An id that no add_*() gave out changes nothing: it can only come from a confused worker.
template <typename IdType, typename Column, typename Record>
void replace(Column &column, IdType id, Record &&record) {
    if (id.value < column.size())
        column.set(id.value, std::forward<Record>(record));
}

} // namespace

SessionBuilder::SessionBuilder(std::string title) {
    session_.title = std::move(title);
    session_.created_ns = now_ns();
    session_.app_version = MOESCOPE_VERSION;
}

SessionBuilder::SessionBuilder(const Session &start) : session_(start) {
    for (std::uint32_t id = 0; id < session_.names.size(); ++id)
        interned_.emplace(session_.names[id], NameId{id});
}

NameId SessionBuilder::intern(std::string_view name) {
    std::string key(name);
    if (const auto found = interned_.find(key); found != interned_.end())
        return found->second;
    const auto id = append<NameId>(session_.names, key);
    interned_.emplace(std::move(key), id);
    return id;
}

RunId SessionBuilder::add_run(RunRecord run) {
    session_.origin =
        Origin::Live; // a recorded session that is continued is no longer just a record
    return append<RunId>(session_.runs, std::move(run));
}
MeasurementId SessionBuilder::add_measurement(Measurement measurement) {
    return append<MeasurementId>(session_.measurements, std::move(measurement));
}
CandidateId SessionBuilder::add_candidate(Candidate candidate) {
    return append<CandidateId>(session_.candidates, std::move(candidate));
}

void SessionBuilder::update(RunId id, RunRecord run) { replace(session_.runs, id, std::move(run)); }
void SessionBuilder::update(MeasurementId id, Measurement measurement) {
    replace(session_.measurements, id, std::move(measurement));
}
void SessionBuilder::update(CandidateId id, Candidate candidate) {
    replace(session_.candidates, id, std::move(candidate));
}

void SessionBuilder::add(RoutingRecord record) { session_.routings.push_back(std::move(record)); }
void SessionBuilder::add(const KernelRecord &record) { session_.kernels.push_back(record); }
void SessionBuilder::add(const ApiRecord &record) { session_.api_calls.push_back(record); }
void SessionBuilder::add(const CopyRecord &record) { session_.copies.push_back(record); }
void SessionBuilder::add(const MemoryRecord &record) { session_.memory.push_back(record); }
void SessionBuilder::add(const OverheadRecord &record) { session_.overheads.push_back(record); }
void SessionBuilder::add(const CounterRecord &record) { session_.counters.push_back(record); }
void SessionBuilder::add(const PmSampleRecord &record) { session_.pm_samples.push_back(record); }
void SessionBuilder::add(const DeviceStateRecord &record) { session_.device_states.push_back(record); }
void SessionBuilder::add(const PcSampleRecord &record) { session_.pc_samples.push_back(record); }
void SessionBuilder::add(Failure failure) { session_.failures.push_back(std::move(failure)); }
void SessionBuilder::set_path(std::string path) { session_.path = std::move(path); }

SessionPtr SessionBuilder::snapshot() {
    ++session_.version;
    return std::make_shared<const Session>(session_);
}

} // namespace moescope
