#include "app/cli/ranks_command.h"

#include "app/cli/interrupt_guard.h"
#include "app/cli/json_output.h"
#include "app/cli/numbers.h"
#include "app/cli/output_file.h"
#include "app/cli/ranks_table.h"
#include "app/cli/run_command.h"
#include "app/cli/run_table.h"
#include "app/cli/say.h"
#include "app/cli/worker_run.h"
#include "app/views/measurement_text.h"
#include "profiler/base/host_name.h"
#include "profiler/base/try.h"
#include "profiler/explain/parallel.h"
#include "profiler/ranks/launcher.h"
#include "profiler/ranks/meeting.h"
#include "profiler/ranks/merge.h"
#include "profiler/session/json_codec.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moescope::cli {

namespace {

namespace fs = std::filesystem;

constexpr double kMeetingSeconds = 120, kLongestWait = 86400;
constexpr char kSession = 'S', kFailure = 'F'; // what a rank has for rank 0

// A file of this process, gone when it is.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view what)
        : path_(fs::temp_directory_path() / fmt::format("moescope-{}-{}.moescope", what, getpid())) {}
    ~TemporaryFile() { remove(path_); }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;
    const fs::path &path() const { return path_; }

    static void remove(const fs::path &path) {
        std::error_code ignored;
        for (const char *suffix : {"", "-wal", "-shm"})
            fs::remove(path.string() + suffix, ignored);
    }

  private:
    fs::path path_;
};

std::string bytes_of_file(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Result<Session> session_of_bytes(std::string_view bytes) {
    const TemporaryFile file("merge");
    std::ofstream(file.path(), std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    return read_session(file.path());
}

// What a rank is doing, a line each time that changes, and how long after the start.
class ProgressLines {
  public:
    explicit ProgressLines(std::int32_t rank) : rank_(rank) {}
    void show(std::string_view doing) {
        doing = doing.substr(0, doing.find(kSamples));
        if (doing.empty() || doing == doing_)
            return;
        doing_ = doing;
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - began_;
        say(fmt::format("rank {}, {:5.1f} s: {}", rank_, since.count(), doing));
    }

  private:
    static constexpr std::string_view kSamples = ": "; // counts and shares change all the time
    const std::int32_t rank_;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::string doing_;
};

// One rank of the start: meets the others, runs its part, hands it to rank 0.
class Rank {
  public:
    Rank(const RanksOptions &options, LaunchedRank place)
        : options_(options), place_(std::move(place)), lines_(place_.rank),
          file_(fmt::format("rank-{}", place_.rank)) {}

    // What fails here was asked for wrongly.
    Status plan() {
        PlanOptions with_place = options_.plan;
        with_place.ranks = MeetingPlace{.rank = place_.rank, .size = place_.size, .host = place_.host, .port = 0, .word = {}};
        MOESCOPE_TRY(read_wait());
        if (wait_)
            with_place.ranks->patience_seconds = *wait_;
        Result<Plan> made = make_plan(with_place, Purpose::Run);
        MOESCOPE_TRY(made);
        plan_ = std::move(*made);
        out_ = options_.out ? fs::path(*options_.out) : default_session_name(plan_.workload.model.name);
        return place_.rank == 0 ? check_session_output("--out", out_) : Status{};
    }

    Status run() {
        MOESCOPE_TRY(meet());
        MOESCOPE_TRY(agree());
        const auto before = meeting_->compare_clocks();
        MOESCOPE_TRY(before);
        const InterruptGuard guard; // from here on there is something to lose
        const std::string mine = measure();
        const Result<std::string> verdict = hand_over(mine, *before);
        if (!verdict && mine.starts_with(kSession))
            keep_own();
        MOESCOPE_TRY(verdict);
        return outcome(*verdict);
    }

    // Of rank 0; else nothing.
    const Session &session() const { return session_; }
    const fs::path &out() const { return out_; }

  private:
    Status read_wait() {
        if (!options_.wait)
            return {};
        const Result<double> seconds = parse_real("--wait", *options_.wait, 1, kLongestWait);
        MOESCOPE_TRY(seconds);
        wait_ = *seconds;
        return {};
    }

    Status meet() {
        MeetingPlace where = *plan_.ranks;
        where.port = place_.port;
        where.word = "moescope " MOESCOPE_VERSION " " + place_.job;
        if (place_.size > 1)
            tell(fmt::format("{} ranks meet at {}:{}", place_.size, place_.host, place_.port));
        Result<std::unique_ptr<Meeting>> meeting =
            Meeting::join(where, wait_.value_or(kMeetingSeconds), [&](const std::vector<std::int32_t> &missing) {
                tell(fmt::format("waiting for rank {}", fmt::join(missing, ", ")));
            });
        MOESCOPE_TRY(meeting);
        meeting_ = std::move(*meeting);
        return {};
    }

    // Rank 0 speaks for all.
    void tell(std::string_view doing) {
        if (place_.rank == 0)
            lines_.show(doing);
    }

    // All ranks must have been asked the same; then they learn where their workers meet, and where each keeps what it
    // measures until rank 0 has it.
    Status agree() {
        Plan common = plan_;
        common.ranks->rank = 0;
        common.device = "";
        const Result<std::vector<std::string>> plans = meeting_->share(dump_json(to_json(common)));
        MOESCOPE_TRY(plans);
        for (std::size_t rank = 1; rank < plans->size(); ++rank)
            if ((*plans)[rank] != plans->front())
                return Error{fmt::format("rank {} was asked for something else than rank 0", rank),
                             "ranks run one plan together", "start all of them with the same options"};
        const Result<std::int32_t> port = place_.rank == 0 ? free_port() : Result<std::int32_t>(0);
        const Result<std::vector<std::string>> ports = meeting_->share(port ? std::to_string(*port) : "");
        MOESCOPE_TRY(port);
        MOESCOPE_TRY(ports);
        plan_.ranks->port = std::atoi(ports->front().c_str());
        plan_.ranks->word = "workers of " MOESCOPE_VERSION " " + place_.job;
        const Result<std::vector<std::string>> files = meeting_->share(host_name() + ":" + file_.path().string());
        MOESCOPE_TRY(files);
        files_ = *files;
        return {};
    }

    Result<std::string> choose_device(const std::vector<DeviceInfo> &devices) const {
        if (plan_.device != "auto")
            return plan_.device;
        const auto gpus = std::ranges::count_if(devices, [](const DeviceInfo &each) { return !each.is_cpu(); });
        return gpus == 0 ? Result<std::string>("cpu") : device_of_rank(place_, std::int32_t(gpus));
    }

    // The session's bytes, or why there are none.
    std::string measure() {
        tell("starting its worker");
        const Result<Finished> finished = run_rank_plan(
            plan_, file_.path(), [&](const std::vector<DeviceInfo> &devices) { return choose_device(devices); },
            [&](const std::string &doing) { tell(doing); });
        return finished ? kSession + bytes_of_file(file_.path()) : kFailure + finished.error().clause();
    }

    // To rank 0, which merges what it gets, whoever is missing. What it says of the whole: "" is good.
    Result<std::string> hand_over(const std::string &mine, const Meeting::ByRank<ClockOffset> &before) {
        tell("collecting what the ranks measured");
        const auto after = meeting_->compare_clocks();
        MOESCOPE_TRY(after);
        const auto all = meeting_->collect(mine);
        MOESCOPE_TRY(all);
        if (place_.rank == 0)
            merge(*all, before, *after);
        return meeting_->hear(problems_.empty() ? "" : "failed");
    }

    void merge(const Meeting::ByRank<std::string> &all, const Meeting::ByRank<ClockOffset> &before,
               const Meeting::ByRank<ClockOffset> &after) {
        std::vector<RankSession> ranks;
        std::size_t there = 0;
        for (std::size_t rank = 0; rank < all.size(); ++rank) {
            RankSession one = session_of(rank, all[rank]);
            if (before[rank])
                one.clock = after[rank] ? between(*before[rank], *after[rank]) : *before[rank];
            if (!one.lost.what.empty())
                problems_.push_back(one.lost.sentence());
            there += one.session.runs.size() > 0;
            ranks.push_back(std::move(one));
        }
        if (there == 0)
            return;
        session_ = merge_ranks(ranks, there == all.size()
                                          ? fmt::format("{} on {}", plan_.workload.model.name, counted(all.size(), "rank"))
                                          : fmt::format("{} on {} ranks, {} of them here", plan_.workload.model.name, all.size(), there));
        const bool someone_lost = !problems_.empty();
        for (std::uint32_t run = 0; run < session_.runs.size(); ++run)
            if (ranks[std::size_t(session_.runs[run].plan.ranks->rank)].lost.what.empty())
                add_problem(run, someone_lost);
        if (const Status saved = save_session(session_, out_); !saved)
            problems_.push_back(saved.error().sentence());
    }

    // A rank's first one: what came after came of it, and is in the session.
    void add_problem(std::uint32_t run, bool someone_lost) {
        const std::vector<std::string> all = problems_of(session_, {run});
        const auto parted = [](const std::string &text) {
            return text.find(" is gone: ") != text.npos || text.find(" is late: ") != text.npos ||
                   text.find("the ranks have parted") != text.npos;
        };
        if (!all.empty() && !(someone_lost && parted(all.front())))
            problems_.push_back(fmt::format("rank {}: {}", session_.runs[run].plan.ranks->rank, all.front()));
    }

    RankSession session_of(std::size_t rank, const Result<std::string> &given) const {
        RankSession one;
        if (!given) {
            one.lost = given.error();
            recover(rank, one);
        } else if (given->starts_with(kFailure)) {
            one.lost = {fmt::format("rank {} measured nothing", rank), given->substr(1), {}};
        } else if (Result<Session> read = session_of_bytes(std::string_view(*given).substr(1))) {
            one.session = std::move(*read);
        } else {
            one.lost = {fmt::format("rank {}'s session cannot be read", rank), read.error().clause(), {}};
        }
        return one;
    }

    // What a rank that is gone had measured lies in its file, which can be read where that is of this machine.
    void recover(std::size_t rank, RankSession &one) const {
        const std::string here = host_name() + ":";
        if (!files_[rank].starts_with(here))
            return;
        const fs::path file = files_[rank].substr(here.size());
        Result<Session> read = read_session(file);
        if (!read || read->runs.empty())
            return;
        one.session = std::move(*read);
        TemporaryFile::remove(file);
    }

    // Rank 0 cannot be reached: what this rank measured stays on its own machine.
    void keep_own() const {
        fs::path own = out_;
        own.replace_filename(fmt::format("{}.rank{}{}", out_.stem().string(), place_.rank, out_.extension().string()));
        std::error_code failed;
        fs::copy_file(file_.path(), own, fs::copy_options::overwrite_existing, failed);
        say(failed ? fmt::format("moescope: what rank {} measured cannot be kept in {}: {}.", place_.rank, own.string(), failed.message())
                   : fmt::format("moescope: what rank {} measured is in {}.", place_.rank, own.string()));
    }

    // Every rank ends as rank 0 does.
    Status outcome(std::string_view verdict) const {
        for (const std::string &problem : problems_)
            say("moescope: " + problem);
        if (verdict.empty())
            return {};
        if (place_.rank != 0)
            return Error{"the ranks' run has problems", "rank 0 says which", {}};
        return Error{"the ranks' run has problems",
                     session_.empty() ? "nothing was measured" : "what was measured is in the session", {}};
    }

    const RanksOptions &options_;
    LaunchedRank place_;
    ProgressLines lines_;
    TemporaryFile file_; // what this rank measures, until rank 0 has it
    std::optional<double> wait_;
    Plan plan_;
    fs::path out_;
    std::unique_ptr<Meeting> meeting_;
    std::vector<std::string> files_; // "HOST:PATH" by rank
    Session session_;
    std::vector<std::string> problems_;
};

void show_results(const Session &session, const RanksOptions &options) {
    if (!options.json)
        return show(ranks_table(session, {0}));
    Json all = Json::array();
    for (std::uint32_t run = 0; run < session.runs.size(); ++run)
        all.push_back(parse_json(run_json(session, {run}), "a run").value());
    show(dump_json({{"ranks", all}, {"steps", ranks_json(session, {0})}}) + "\n");
}

} // namespace

void add_ranks_options(CLI::App &command, RanksOptions &options) {
    add_workload_options(command, options.plan);
    add_timing_options(command, options.plan);
    command
        .add_option("--meet", options.meet,
                    "Where rank 0 can be met (MASTER_ADDR, and the port after MASTER_PORT)")
        ->type_name("HOST:PORT")
        ->group("Ranks");
    command
        .add_option("--wait", options.wait,
                    "How long the others wait for a rank that does not come or says nothing (120 to meet, 600 to measure)")
        ->type_name("SECONDS")
        ->group("Ranks");
    command
        .add_option("--out", options.out, "The session file that rank 0 writes (moescope-MODEL-TIME.moescope)")
        ->type_name("FILE")
        ->group("Output");
    command.add_flag("--json", options.json, "Print one JSON document instead of the tables")->group("Output");
    command.footer("Started by the user's own launcher, once a rank: torchrun --no-python, mpirun, srun.\n"
                   "--tokens is the whole batch, of which each rank has its share.\n"
                   "All ranks run dispatch, experts, combine and the layer, in this order.");
}

int ranks_command(const RanksOptions &options) {
    const Result<LaunchedRank> place = find_rank(process_environment(), options.meet.value_or(""));
    if (!place)
        return complain(place.error(), kWrongRequest);
    Rank rank(options, *place);
    if (const Status planned = rank.plan(); !planned)
        return complain(planned.error(), kWrongRequest);
    const Status ran = rank.run();
    if (place->rank == 0 && !rank.session().empty()) {
        show_results(rank.session(), options);
        say_where(rank.out());
    }
    return ran ? kDone : complain(ran.error(), kFailed);
}

} // namespace moescope::cli
