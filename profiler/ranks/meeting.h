// All ranks of a run, each connected to rank 0 over TCP: small values they all learn, whole sessions
// that rank 0 collects, and how far their clocks are apart. Every call is made by all ranks, in the
// same order; each is a barrier. One thread of a process uses it. A rank that is gone, or silent for
// longer than the others' patience, is left out of what follows, and every error names it.
#pragma once

#include "profiler/base/result.h"
#include "profiler/ranks/clock.h"
#include "profiler/ranks/meeting_place.h"
#include "profiler/ranks/socket.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

class Meeting {
  public:
    // Told on rank 0, now and then, while some have not come.
    using Missing = std::function<void(const std::vector<std::int32_t> &ranks)>;
    // Rank 0 waits for the others, they until it listens. Errors: who did not come in time, or who came
    // with another word or number; those that came are told.
    static Result<std::unique_ptr<Meeting>> join(const MeetingPlace &place, double seconds, const Missing &missing = {});

    std::int32_t rank() const { return place_.rank; }
    std::int32_t size() const { return place_.size; }
    double patience_seconds() const { return place_.patience_seconds; }

    // What every rank gives, by rank, to all of them. Errors: a rank that is gone; all are told which.
    Result<std::vector<std::string>> share(std::string_view mine);

    // These go on without those that are gone. On rank 0 one for each rank, an error where it is gone; empty
    // elsewhere. Errors elsewhere: rank 0 is gone.
    template <typename T> using ByRank = std::vector<Result<T>>;
    Result<ByRank<std::string>> collect(std::string_view mine);
    Result<ByRank<ClockOffset>> compare_clocks(); // each rank's clock against rank 0's
    // What rank 0 says, on every rank that is still there.
    Result<std::string> hear(std::string_view rank_0_says);

    // This process's address, as the others can reach it.
    std::string own_host() const;

    // Ends every call of the others with an error, at once or at their next; any thread may.
    void leave();
    // Whether a rank that this one is connected to has left; any thread may ask.
    bool someone_left() const;

  private:
    explicit Meeting(MeetingPlace place) : place_(std::move(place)) {}
    Status listen_for_all(double seconds, const Missing &missing);
    Status welcome(Socket caller);
    Status reach_rank_0(double seconds);
    Socket *peer(std::int32_t rank);
    Status send_to(std::int32_t rank, char kind, std::string_view bytes);
    Result<std::string> receive_from(std::int32_t rank, char kind);
    Result<ClockOffset> compare_with(std::int32_t rank);
    Error lose(std::int32_t rank, const Error &error);
    void tell_all(const Error &error);

    MeetingPlace place_;
    std::vector<Socket> peers_; // rank 0: by rank; else: rank 0's alone
    std::vector<std::optional<Error>> lost_; // by peer: why it is left out
};

// An error of a connection, said of the rank that it leads to.
Error of_rank(std::int32_t rank, const Error &error);

} // namespace moescope
