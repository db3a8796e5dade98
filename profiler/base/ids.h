// Strong ids: an id of one table cannot be used on another by mistake.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace moescope {

template <typename Tag> struct Id {
    static constexpr std::uint32_t kNone = 0xffffffffu;
    std::uint32_t value = kNone;

    bool valid() const { return value != kNone; }
    friend auto operator<=>(const Id &, const Id &) = default;
};

using RunId = Id<struct RunTag>;                 // one plan carried out: index into Session::runs
using MeasurementId = Id<struct MeasurementTag>; // index into Session::measurements
using CandidateId = Id<struct CandidateTag>;     // index into Session::candidates
using NameId = Id<struct NameTag>;               // interned string: index into Session::names

} // namespace moescope

template <typename Tag> struct std::hash<moescope::Id<Tag>> {
    std::size_t operator()(moescope::Id<Tag> id) const noexcept { return std::hash<std::uint32_t>{}(id.value); }
};
