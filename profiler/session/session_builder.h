// The only writer of a session. Not thread-safe: one thread feeds it (the client's reader) and takes
// snapshots; snapshots are free to read from any thread.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace moescope {

class SessionBuilder {
  public:
    explicit SessionBuilder(std::string title);
    explicit SessionBuilder(const Session &start); // continue one that was opened

    NameId intern(std::string_view name);

    RunId add_run(RunRecord run);
    MeasurementId add_measurement(Measurement measurement);
    CandidateId add_candidate(Candidate candidate);
    void update(RunId id, RunRecord run);
    void update(MeasurementId id, Measurement measurement);
    void update(CandidateId id, Candidate candidate);
    void add(RoutingRecord record);
    void add(const KernelRecord &record);
    void add(const ApiRecord &record);
    void add(const CopyRecord &record);
    void add(const MemoryRecord &record);
    void add(const OverheadRecord &record);
    void add(const CounterRecord &record);
    void add(const PmSampleRecord &record);
    void add(const DeviceStateRecord &record);
    void add(const PcSampleRecord &record);
    void add(Failure failure);
    void set_path(std::string path);

    const Session &current() const { return session_; }
    SessionPtr snapshot();

  private:
    Session session_;
    std::unordered_map<std::string, NameId> interned_;
};

} // namespace moescope
