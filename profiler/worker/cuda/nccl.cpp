#include "profiler/worker/cuda/nccl.h"

#include "profiler/base/try.h"
#include "profiler/worker/cuda/cuda_info.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>

namespace moescope {

namespace {

// nccl.h, of every version 2.
struct UniqueId {
    char bytes[128];
};
using Communicator = void *;
constexpr int kSuccess = 0, kUint8 = 1, kInt32 = 2, kSum = 0;

struct Library {
    int (*version)(int *) = nullptr;
    int (*unique_id)(UniqueId *) = nullptr;
    int (*init)(Communicator *, int, UniqueId, int) = nullptr;
    int (*destroy)(Communicator) = nullptr;
    int (*abort)(Communicator) = nullptr;
    int (*send)(const void *, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
    int (*receive)(void *, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
    int (*all_reduce)(const void *, void *, std::size_t, int, int, Communicator, cudaStream_t) = nullptr;
    int (*group_start)() = nullptr;
    int (*group_end)() = nullptr;
    const char *(*error_string)(int) = nullptr;
    const char *(*last_error)(Communicator) = nullptr; // since 2.13

    static Result<Library> load();
};

template <typename Function> bool find(void *file, Function &function, const char *name) {
    function = reinterpret_cast<Function>(dlsym(file, name));
    return function != nullptr;
}

// The library stays loaded: it may hold the CUDA context.
Result<Library> Library::load() {
    void *file = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!file)
        return Error{"NCCL", dlerror(), "install it (pip install nvidia-nccl-cu13), and set LD_LIBRARY_PATH to its folder"};
    Library it;
    if (!find(file, it.version, "ncclGetVersion") || !find(file, it.unique_id, "ncclGetUniqueId") ||
        !find(file, it.init, "ncclCommInitRank") || !find(file, it.destroy, "ncclCommDestroy") ||
        !find(file, it.abort, "ncclCommAbort") || !find(file, it.send, "ncclSend") ||
        !find(file, it.receive, "ncclRecv") || !find(file, it.all_reduce, "ncclAllReduce") ||
        !find(file, it.group_start, "ncclGroupStart") || !find(file, it.group_end, "ncclGroupEnd") ||
        !find(file, it.error_string, "ncclGetErrorString"))
        return Error{"NCCL", "libnccl.so.2 lacks a function that is needed", "install NCCL 2.7 or newer"};
    find(file, it.last_error, "ncclGetLastError");
    return it;
}

class NcclTransport final : public RowTransport {
  public:
    NcclTransport(Meeting &meeting, Library library, cudaStream_t stream)
        : meeting_(meeting), nccl_(library), stream_(stream) {}

    ~NcclTransport() override {
        if (communicator_)
            failed_ ? nccl_.abort(communicator_) : nccl_.destroy(communicator_);
        cudaFree(token_);
    }

    // Kernels that wait for ranks which have gone would never end.
    void give_up() override {
        const std::lock_guard lock(mutex_);
        if (communicator_)
            nccl_.abort(std::exchange(communicator_, nullptr));
    }

    Status init() {
        UniqueId id{};
        const Status made = meeting_.rank() == 0 ? check(nccl_.unique_id(&id), "ncclGetUniqueId") : Status{};
        const auto told = meeting_.share(made ? std::string_view(id.bytes, sizeof id.bytes) : std::string_view());
        MOESCOPE_TRY(made);
        MOESCOPE_TRY(told);
        if (told->front().size() != sizeof id.bytes)
            return Error{"NCCL", "rank 0 could not begin", "its own output says why"};
        std::memcpy(id.bytes, told->front().data(), sizeof id.bytes);
        MOESCOPE_TRY(cuda_check(cudaMalloc(&token_, sizeof(std::int32_t)), "cudaMalloc"));
        MOESCOPE_TRY(cuda_check(cudaMemset(token_, 0, sizeof(std::int32_t)), "cudaMemset"));
        return check(nccl_.init(&communicator_, meeting_.size(), id, meeting_.rank()), "ncclCommInitRank");
    }

    DeviceInfo::Capability capability() const override {
        int version = 0;
        nccl_.version(&version);
        return {"rank transport", "ok", fmt::format("NCCL {}.{}.{}", version / 10000, version / 100 % 100, version % 100)};
    }

    Status exchange(std::span<const RowExchange> exchanges) override {
        const std::lock_guard lock(mutex_);
        MOESCOPE_TRY(together());
        MOESCOPE_TRY(check(nccl_.group_start(), "ncclGroupStart"));
        Status enqueued;
        for (const RowExchange &each : exchanges)
            if (enqueued)
                enqueued = enqueue(each);
        const Status ended = check(nccl_.group_end(), "ncclGroupEnd"); // whatever came before
        return enqueued ? ended : enqueued;
    }

    Status line_up() override {
        const std::lock_guard lock(mutex_);
        MOESCOPE_TRY(together());
        return check(nccl_.all_reduce(token_, token_, 1, kInt32, kSum, communicator_, stream_), "ncclAllReduce");
    }

  private:
    Status together() const {
        return communicator_ ? Status{} : Error{"the ranks have parted", "one of them left, or came no further", "its own output says why"};
    }

    Status enqueue(const RowExchange &each) {
        const auto *send = static_cast<const char *>(each.send);
        auto *receive = static_cast<char *>(each.receive);
        for (std::int32_t rank = 0; rank < meeting_.size(); ++rank) {
            const auto send_bytes = std::size_t(each.send_rows[std::size_t(rank)] * each.row_bytes);
            const auto receive_bytes = std::size_t(each.receive_rows[std::size_t(rank)] * each.row_bytes);
            if (send_bytes > 0)
                MOESCOPE_TRY(check(nccl_.send(send, send_bytes, kUint8, rank, communicator_, stream_), "ncclSend"));
            if (receive_bytes > 0)
                MOESCOPE_TRY(check(nccl_.receive(receive, receive_bytes, kUint8, rank, communicator_, stream_), "ncclRecv"));
            send += send_bytes;
            receive += receive_bytes;
        }
        return {};
    }

    Status check(int result, const char *call) {
        if (result == kSuccess)
            return {};
        failed_ = true;
        std::string why = nccl_.error_string(result);
        if (nccl_.last_error && communicator_)
            why += fmt::format(": {}", nccl_.last_error(communicator_));
        return Error{fmt::format("{} failed", call), why, "NCCL_DEBUG=WARN makes NCCL say more"};
    }

    Meeting &meeting_;
    Library nccl_;
    cudaStream_t stream_;
    std::mutex mutex_; // of the communicator: it may be given up meanwhile
    Communicator communicator_ = nullptr;
    void *token_ = nullptr;
    bool failed_ = false;
};

} // namespace

Result<std::unique_ptr<RowTransport>> make_nccl_transport(Meeting &meeting, ms_stream stream) {
    const Result<Library> library = Library::load();
    const auto all = meeting.share(library ? "" : library.error().clause());
    MOESCOPE_TRY(library);
    MOESCOPE_TRY(all);
    for (std::size_t rank = 0; rank < all->size(); ++rank)
        if (!(*all)[rank].empty())
            return Error{fmt::format("rank {} has no NCCL", rank), (*all)[rank], {}};
    auto made = std::make_unique<NcclTransport>(meeting, *library, static_cast<cudaStream_t>(stream));
    MOESCOPE_TRY(made->init());
    return std::unique_ptr<RowTransport>(std::move(made));
}

} // namespace moescope
