#include "profiler/base/try.h"
#include "profiler/ranks/socket.h"
#include "profiler/worker/ranks/rank_group.h"

#include <fmt/format.h>

#include <cstring>
#include <numeric>
#include <thread>
#include <utility>

namespace moescope {

namespace {

std::int64_t rows_before(std::span<const std::int64_t> rows, std::int32_t rank) {
    return std::accumulate(rows.begin(), rows.begin() + rank, std::int64_t(0));
}

// A connection between each two ranks. In each step a rank sends to one and receives from another, so
// that nobody waits for somebody who waits.
class TcpTransport final : public RowTransport {
  public:
    explicit TcpTransport(Meeting &meeting) : meeting_(meeting), peers_(std::size_t(meeting.size())) {}

    // Each rank calls those below it and is called by those above.
    Status connect() {
        Result<Socket> door = Socket::listen("", 0);
        MOESCOPE_TRY(door);
        const Result<std::vector<std::string>> doors =
            meeting_.share(fmt::format("{} {}", door->port(), meeting_.own_host()));
        MOESCOPE_TRY(doors);
        for (std::int32_t rank = 0; rank < meeting_.rank(); ++rank)
            MOESCOPE_TRY(call(rank, (*doors)[std::size_t(rank)]));
        for (std::int32_t rank = meeting_.rank() + 1; rank < meeting_.size(); ++rank)
            MOESCOPE_TRY(answer(*door));
        return {};
    }

    DeviceInfo::Capability capability() const override {
        return {"rank transport", "ok", "TCP between the hosts' memories"};
    }

    Status exchange(std::span<const RowExchange> exchanges) override {
        for (const RowExchange &each : exchanges)
            for (std::int32_t shift = 0; shift < meeting_.size(); ++shift)
                MOESCOPE_TRY(step(each, shift));
        return {};
    }

    Status line_up() override {
        const auto all = meeting_.share("");
        return all ? Status{} : all.error();
    }

  private:
    Status call(std::int32_t rank, const std::string &door) {
        const std::size_t space = door.find(' ');
        Result<Socket> made = Socket::connect(door.substr(space + 1), std::atoi(door.c_str()), meeting_.patience_seconds());
        if (!made)
            return of_rank(rank, made.error());
        MOESCOPE_TRY(made->send(std::to_string(meeting_.rank())));
        peers_[std::size_t(rank)] = std::move(*made);
        return {};
    }

    Status answer(Socket &door) {
        Result<Socket> caller = door.accept(meeting_.patience_seconds());
        MOESCOPE_TRY(caller);
        const Result<std::string> name = caller->receive(meeting_.patience_seconds());
        MOESCOPE_TRY(name);
        const std::int32_t rank = std::atoi(name->c_str());
        if (rank <= meeting_.rank() || rank >= meeting_.size())
            return Error{"a stranger called", fmt::format("it says it is rank {}", *name), {}};
        peers_[std::size_t(rank)] = std::move(*caller);
        return {};
    }

    Status step(const RowExchange &exchange, std::int32_t shift) {
        const std::int32_t size = meeting_.size(), mine = meeting_.rank();
        const std::int32_t to = (mine + shift) % size, from = (mine + size - shift) % size;
        const auto *send = static_cast<const char *>(exchange.send) + rows_before(exchange.send_rows, to) * exchange.row_bytes;
        auto *receive = static_cast<char *>(exchange.receive) + rows_before(exchange.receive_rows, from) * exchange.row_bytes;
        const auto send_bytes = std::size_t(exchange.send_rows[std::size_t(to)] * exchange.row_bytes);
        const auto receive_bytes = std::size_t(exchange.receive_rows[std::size_t(from)] * exchange.row_bytes);
        if (shift == 0) {
            if (send_bytes > 0)
                std::memcpy(receive, send, send_bytes);
            return {};
        }
        Status sent;
        std::thread sender([&] { sent = peers_[std::size_t(to)].send_raw(send, send_bytes); });
        const Status received = peers_[std::size_t(from)].receive_raw(receive, receive_bytes, meeting_.patience_seconds());
        sender.join();
        if (!received)
            return of_rank(from, received.error());
        return sent ? sent : Status(of_rank(to, sent.error()));
    }

    Meeting &meeting_;
    std::vector<Socket> peers_; // by rank
};

} // namespace

Result<std::unique_ptr<RowTransport>> make_tcp_transport(Meeting &meeting) {
    auto made = std::make_unique<TcpTransport>(meeting);
    MOESCOPE_TRY(made->connect());
    return std::unique_ptr<RowTransport>(std::move(made));
}

} // namespace moescope
