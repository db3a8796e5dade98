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

// Ids (names, measurements) come back as they were on the wire: the caller maps them.
std::vector<KernelRecord> from_wire(const wire::KernelColumns &from, Decoding &decoding);
std::vector<ApiRecord> from_wire(const wire::ApiColumns &from, Decoding &decoding);
std::vector<CopyRecord> from_wire(const wire::CopyColumns &from, Decoding &decoding);
std::vector<MemoryRecord> from_wire(const wire::MemoryColumns &from, Decoding &decoding);
std::vector<OverheadRecord> from_wire(const wire::OverheadColumns &from, Decoding &decoding);

} // namespace moescope
