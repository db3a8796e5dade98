// Where the ranks of a run meet, and which of them one is.
#pragma once

#include <cstdint>
#include <string>

namespace moescope {

struct MeetingPlace {
    std::int32_t rank = 0, size = 1;
    std::string host;
    std::int32_t port = 0;
    std::string word; // what all must agree on: version, purpose, the launcher's job
    double patience_seconds = 600; // how long the others wait for a rank that says nothing: it may compile meanwhile
    friend bool operator==(const MeetingPlace &, const MeetingPlace &) = default;
};

} // namespace moescope
