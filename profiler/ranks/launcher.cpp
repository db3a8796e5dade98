#include "profiler/ranks/launcher.h"

#include "profiler/base/try.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

namespace moescope {

namespace {

constexpr std::int32_t kMostRanks = 65536, kMostPort = 65535;

struct Variables {
    const char *launcher, *rank, *size, *local_rank, *local_size, *job;
};
constexpr std::array kLaunchers = {
    Variables{"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
    Variables{"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
              "OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_NAMESPACE"},
    Variables{"MPI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "PMI_JOBID"},
    Variables{"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE", "SLURM_JOB_ID"},
};

Result<std::int32_t> number(std::string_view name, std::string_view text, std::int32_t low, std::int32_t high) {
    std::int32_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && value >= low && value <= high)
        return value;
    return Error{fmt::format("{} is \"{}\"", name, text), fmt::format("it must be {}..{}", low, high), {}};
}

class Finder {
  public:
    Finder(const Environment &environment, std::string_view meet) : environment_(environment), meet_(meet) {}

    Result<LaunchedRank> find() {
        for (const Variables &each : kLaunchers)
            if (environment_(each.rank)) {
                MOESCOPE_TRY(read(each));
                break;
            }
        MOESCOPE_TRY(find_place());
        return found_;
    }

  private:
    Status read_number(const char *name, std::int32_t low, std::int32_t high, std::int32_t &to) {
        const std::optional<std::string> text = environment_(name);
        if (!text)
            return Error{fmt::format("{} is not set", name), fmt::format("{} sets it for every rank", found_.launcher),
                         std::string_view(name).find("LOCAL") == std::string_view::npos
                             ? "start moescope by the launcher itself"
                             : "start moescope by the launcher itself, or set it: the rank's number on its own machine"};
        const Result<std::int32_t> value = number(name, *text, low, high);
        MOESCOPE_TRY(value);
        to = *value;
        return {};
    }

    // srun --mpi=pmi2 sets PMI_RANK, and the local numbers under its own names only. What a job's script starts without
    // srun inherits the script's own numbers, which are no rank's.
    const char *this_or_slurm(const char *name, const char *slurm) const {
        const bool by_srun = environment_("SLURM_PROCID") == std::to_string(found_.rank) &&
                             environment_("SLURM_NTASKS") == std::to_string(found_.size);
        return by_srun && !environment_(name) && environment_(slurm) ? slurm : name;
    }

    Status read(const Variables &names) {
        found_.launcher = names.launcher;
        MOESCOPE_TRY(read_number(names.size, 1, kMostRanks, found_.size));
        MOESCOPE_TRY(read_number(names.rank, 0, found_.size - 1, found_.rank));
        MOESCOPE_TRY(read_number(this_or_slurm(names.local_rank, "SLURM_LOCALID"), 0, found_.size - 1, found_.local_rank));
        // Slurm writes "4" or "4(x2),3"; some launchers nothing. One machine is then the user's word.
        found_.local_size = 0;
        const char *local_size = this_or_slurm(names.local_size, "SLURM_NTASKS_PER_NODE");
        if (const auto text = environment_(local_size))
            if (const auto value = number(local_size, text->substr(0, text->find('(')), 1, found_.size))
                found_.local_size = *value;
        if (const auto nodes = environment_("SLURM_NNODES"); found_.local_size == 0 && nodes == "1")
            found_.local_size = found_.size;
        found_.job = environment_(names.job).value_or("");
        return {};
    }

    Status find_place() {
        if (!meet_.empty())
            return read_meet();
        found_.port = kDefaultMeetingPort;
        if (const auto port = environment_("MASTER_PORT")) {
            const Result<std::int32_t> value = number("MASTER_PORT", *port, 1, kMostPort - 1);
            MOESCOPE_TRY(value);
            found_.port = *value + 1;
        }
        if (const auto host = environment_("MASTER_ADDR"))
            found_.host = *host;
        else if (found_.size == 1 || found_.local_size == found_.size)
            found_.host = "127.0.0.1";
        else
            return Error{"MASTER_ADDR is not set",
                         fmt::format("{} ranks may be on several machines, and they meet at rank 0's", found_.size),
                         environment_("SLURM_JOB_NODELIST")
                             ? fmt::format("give --meet \"$(scontrol show hostnames | head -n 1):{}\" in the job's script", kDefaultMeetingPort)
                             : "set MASTER_ADDR to the machine of rank 0, or give --meet HOST:PORT"};
        return {};
    }

    Status read_meet() {
        const std::size_t colon = meet_.rfind(':');
        if (colon == std::string_view::npos || colon == 0)
            return Error{fmt::format("--meet is \"{}\"", meet_), "it must be HOST:PORT, of rank 0's machine", {}};
        const Result<std::int32_t> port = number("--meet's port", meet_.substr(colon + 1), 1, kMostPort);
        MOESCOPE_TRY(port);
        std::string_view host = meet_.substr(0, colon);
        if (host.size() > 2 && host.front() == '[' && host.back() == ']') // an IPv6 address
            host = host.substr(1, host.size() - 2);
        found_.host = host;
        found_.port = *port;
        return {};
    }

    const Environment &environment_;
    std::string_view meet_;
    LaunchedRank found_;
};

} // namespace

Environment process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char *value = std::getenv(std::string(name).c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

Result<LaunchedRank> find_rank(const Environment &environment, std::string_view meet) {
    return Finder(environment, meet).find();
}

Result<std::string> device_of_rank(const LaunchedRank &rank, std::int32_t devices) {
    if (devices == 1)
        return std::string("cuda:0");
    if (rank.local_rank < devices)
        return fmt::format("cuda:{}", rank.local_rank);
    return Error{fmt::format("rank {} has no CUDA device", rank.rank),
                 devices == 0 ? "this machine has none"
                              : fmt::format("it is number {} of its machine, which has {}", rank.local_rank, devices),
                 devices == 0 ? "give --device cpu" : "start as many ranks as there are devices"};
}

} // namespace moescope
