// Between the profiler's structs and the protocol's messages. Encoding cannot fail. Decoding returns
// a value in every case and remembers in a Decoding the first field it could not accept.
#pragma once

#include "profiler/base/result.h"
#include "profiler/metrics/metric.h"
#include "profiler/plan/plan.h"
#include "profiler/session/records.h"
#include "profiler/source/kernel_source.h"

#include "protocol/worker.pb.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace moescope {

// Both sides must agree on it exactly: raised by every change of worker.proto.
inline constexpr std::uint32_t kProtocolVersion = 6;

// A worker behind ssh ends with this status when it has heard nothing, not even an empty message, for
// kLifelineSeconds; the other side sends one every kHeartbeatSeconds.
inline constexpr int kUnheardStatus = 75, kLifelineSeconds = 15, kHeartbeatSeconds = 3;

class Decoding {
  public:
    bool ok() const { return status_.ok(); }
    const Status &status() const { return status_; }
    // Keeps the first complaint.
    void reject(std::string_view field, std::string_view value);

  private:
    Status status_;
};

void to_wire(const Error &from, wire::Error *to);
void to_wire(const ModelShape &from, wire::ModelShape *to);
void to_wire(const Workload &from, wire::Workload *to);
void to_wire(const TileConfig &from, wire::TileConfig *to);
void to_wire(const PlanItem &from, wire::PlanItem *to);
void to_wire(const Plan &from, wire::Plan *to);
void to_wire(const std::vector<SourceFile> &from, google::protobuf::RepeatedPtrField<wire::SourceFile> *to);
void to_wire(const Ceilings &from, wire::Ceilings *to);
void to_wire(const DeviceInfo &from, wire::DeviceInfo *to);
void to_wire(const Summary &from, wire::Summary *to);
void to_wire(const Measurement &from, wire::Measurement *to); // but for run
void to_wire(const Candidate &from, wire::Candidate *to);     // but for run
void to_wire(const RoutingRecord &from, wire::Routing *to);   // but for run
void to_wire(const MetricsRequest &from, wire::MetricsRequest *to); // but for request
void to_wire(const MetricsAnswer &from, wire::Metrics *to);         // but for request
void to_wire(const SourceRequest &from, wire::SourceRequest *to);   // but for request
void to_wire(const SourceAnswer &from, wire::Source *to);           // but for request
wire::RunState to_wire(RunRecord::State from);

Error from_wire(const wire::Error &from);
ModelShape from_wire(const wire::ModelShape &from, Decoding &decoding);
Workload from_wire(const wire::Workload &from, Decoding &decoding);
TileConfig from_wire(const wire::TileConfig &from);
PlanItem from_wire(const wire::PlanItem &from, Decoding &decoding);
Plan from_wire(const wire::Plan &from, Decoding &decoding);
std::vector<SourceFile> from_wire(const google::protobuf::RepeatedPtrField<wire::SourceFile> &from);
Ceilings from_wire(const wire::Ceilings &from);
DeviceInfo from_wire(const wire::DeviceInfo &from);
Summary from_wire(const wire::Summary &from);
Measurement from_wire(const wire::Measurement &from, Decoding &decoding);
Candidate from_wire(const wire::Candidate &from, Decoding &decoding);
RoutingRecord from_wire(const wire::Routing &from);
MetricsRequest from_wire(const wire::MetricsRequest &from);
MetricsAnswer from_wire(const wire::Metrics &from, Decoding &decoding);
SourceRequest from_wire(const wire::SourceRequest &from, Decoding &decoding);
SourceAnswer from_wire(const wire::Source &from, Decoding &decoding);
RunRecord::State from_wire(wire::RunState from, Decoding &decoding);

} // namespace moescope
