// Bulk records as columns of the protocol and back. Decoding rejects columns of unequal length.
#pragma once

#include "profiler/protocol/codec.h"

#include <span>
#include <vector>

namespace moescope {

void to_wire(std::span<const KernelRecord> from, wire::KernelColumns *to);
void to_wire(std::span<const ApiRecord> from, wire::ApiColumns *to);
void to_wire(std::span<const CopyRecord> from, wire::CopyColumns *to);
void to_wire(std::span<const MemoryRecord> from, wire::MemoryColumns *to);
void to_wire(std::span<const OverheadRecord> from, wire::OverheadColumns *to);
void to_wire(std::span<const CounterRecord> from, wire::CounterColumns *to);
void to_wire(std::span<const PmSampleRecord> from, wire::PmSampleColumns *to);       // but for run
void to_wire(std::span<const DeviceStateRecord> from, wire::DeviceStateColumns *to); // but for run
void to_wire(std::span<const PcSampleRecord> from, wire::PcSampleColumns *to);

// Ids (names, measurements) come back as they were on the wire: the caller maps them.
std::vector<KernelRecord> from_wire(const wire::KernelColumns &from, Decoding &decoding);
std::vector<ApiRecord> from_wire(const wire::ApiColumns &from, Decoding &decoding);
std::vector<CopyRecord> from_wire(const wire::CopyColumns &from, Decoding &decoding);
std::vector<MemoryRecord> from_wire(const wire::MemoryColumns &from, Decoding &decoding);
std::vector<OverheadRecord> from_wire(const wire::OverheadColumns &from, Decoding &decoding);
std::vector<CounterRecord> from_wire(const wire::CounterColumns &from, Decoding &decoding);
std::vector<PmSampleRecord> from_wire(const wire::PmSampleColumns &from, Decoding &decoding);
std::vector<DeviceStateRecord> from_wire(const wire::DeviceStateColumns &from, Decoding &decoding);
std::vector<PcSampleRecord> from_wire(const wire::PcSampleColumns &from, Decoding &decoding);

} // namespace moescope
