// All ranks of a run, each connected to rank 0 over TCP: small values they all learn, whole sessions
// that rank 0 collects, and how far their clocks are apart. Every call is made by all ranks, in the
// same order; each is a barrier. One thread of a process uses it.
#pragma once

#include "profiler/base/result.h"
#include "profiler/ranks/clock.h"
#include "profiler/ranks/meeting_place.h"
#include "profiler/ranks/socket.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

class Meeting {
  public:
    // Rank 0 waits for the others, they until it listens. Errors: who did not come in time, or who came
    // with another word or number.
    static Result<std::unique_ptr<Meeting>> join(const MeetingPlace &place, double seconds);

    std::int32_t rank() const { return place_.rank; }
    std::int32_t size() const { return place_.size; }

    // What every rank gives, by rank, to all of them. Errors: a rank that is gone.
    Result<std::vector<std::string>> share(std::string_view mine);
    // The same to rank 0 alone: empty elsewhere.
    Result<std::vector<std::string>> collect(std::string_view mine);
    // Each rank's clock against rank 0's, on rank 0; empty elsewhere.
    Result<std::vector<ClockOffset>> compare_clocks();

    // This process's address, as the others can reach it.
    std::string own_host() const;

    // Ends every call of the others with an error, at once or at their next; any thread may.
    void leave();
    // Whether a rank that this one is connected to has left; any thread may ask.
    bool someone_left() const;

  private:
    explicit Meeting(MeetingPlace place) : place_(std::move(place)) {}
    Status listen_for_all(double seconds);
    Status welcome(Socket caller);
    Status reach_rank_0(double seconds);
    Socket *peer(std::int32_t rank);
    Status send_to(std::int32_t rank, char kind, std::string_view bytes);
    Result<std::string> receive_from(std::int32_t rank, char kind);
    Result<ClockOffset> compare_with(std::int32_t rank);

    MeetingPlace place_;
    std::vector<Socket> peers_; // rank 0: by rank; else: rank 0's alone
};

} // namespace moescope
