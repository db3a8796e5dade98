#include "app/cli/ranks_command.h"

#include "app/cli/json_output.h"
#include "app/cli/output_file.h"
#include "app/cli/ranks_table.h"
#include "app/cli/run_command.h"
#include "app/cli/run_table.h"
#include "app/cli/say.h"
#include "app/cli/worker_run.h"
#include "profiler/base/try.h"
#include "profiler/ranks/launcher.h"
#include "profiler/ranks/meeting.h"
#include "profiler/ranks/merge.h"
#include "profiler/session/json_codec.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace moescope::cli {

namespace {

namespace fs = std::filesystem;

constexpr double kMeetingSeconds = 120;
constexpr char kSession = 'S', kFailure = 'F'; // what a rank has for rank 0

// A file of this process, gone when it is.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view what)
        : path_(fs::temp_directory_path() / fmt::format("moescope-{}-{}.moescope", what, getpid())) {}
    ~TemporaryFile() {
        std::error_code ignored;
        for (const char *suffix : {"", "-wal", "-shm"})
            fs::remove(path_.string() + suffix, ignored);
    }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;
    const fs::path &path() const { return path_; }

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

// One rank of the start: meets the others, runs its part, hands it to rank 0.
class Rank {
  public:
    Rank(const RanksOptions &options, LaunchedRank place) : options_(options), place_(std::move(place)) {}

    Status run() {
        MOESCOPE_TRY(plan());
        Result<std::unique_ptr<Meeting>> meeting = Meeting::join(
            {place_.rank, place_.size, place_.host, place_.port, "moescope " MOESCOPE_VERSION " " + place_.job},
            kMeetingSeconds);
        MOESCOPE_TRY(meeting);
        meeting_ = std::move(*meeting);
        MOESCOPE_TRY(agree());
        const Result<std::vector<ClockOffset>> before = meeting_->compare_clocks();
        MOESCOPE_TRY(before);
        const std::string mine = measure();
        const Result<std::vector<ClockOffset>> after = meeting_->compare_clocks();
        MOESCOPE_TRY(after);
        const Result<std::vector<std::string>> all = meeting_->collect(mine);
        MOESCOPE_TRY(all);
        if (place_.rank == 0)
            merge(*all, *before, *after);
        return finish();
    }

    // Of rank 0; else nothing.
    const Session &session() const { return session_; }
    const fs::path &out() const { return out_; }

  private:
    Status plan() {
        PlanOptions with_place = options_.plan;
        with_place.ranks = MeetingPlace{place_.rank, place_.size, place_.host, 0, {}};
        Result<Plan> made = make_plan(with_place, Purpose::Run);
        MOESCOPE_TRY(made);
        plan_ = std::move(*made);
        out_ = options_.out ? fs::path(*options_.out) : default_session_name(plan_.workload.model.name);
        return place_.rank == 0 ? check_session_output("--out", out_) : Status{};
    }

    // All ranks must have been asked the same; then they learn where their workers meet.
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
        return {};
    }

    Status choose_device() {
        if (plan_.device != "auto")
            return {};
        const Result<std::vector<DeviceInfo>> devices = ask_for_devices("");
        MOESCOPE_TRY(devices);
        const auto gpus = std::ranges::count_if(*devices, [](const DeviceInfo &each) { return !each.is_cpu(); });
        const Result<std::string> mine = gpus == 0 ? Result<std::string>("cpu") : device_of_rank(place_, std::int32_t(gpus));
        MOESCOPE_TRY(mine);
        plan_.device = *mine;
        return {};
    }

    // The session's bytes, or why there are none.
    std::string measure() {
        const TemporaryFile file(fmt::format("rank-{}", place_.rank));
        Status ran = choose_device();
        if (ran)
            if (const Result<Finished> finished = run_plan(plan_, "", file.path()); !finished)
                ran = finished.error();
        return ran ? kSession + bytes_of_file(file.path()) : kFailure + ran.error().sentence();
    }

    void merge(const std::vector<std::string> &all, const std::vector<ClockOffset> &before,
               const std::vector<ClockOffset> &after) {
        std::vector<RankSession> ranks;
        for (std::size_t rank = 0; rank < all.size(); ++rank) {
            Result<Session> one = all[rank].starts_with(kSession)
                                      ? session_of_bytes(std::string_view(all[rank]).substr(1))
                                      : Result<Session>(Error{all[rank].substr(1), {}, {}});
            if (one)
                ranks.push_back({std::move(*one), between(before[rank], after[rank])});
            else
                problems_.push_back(fmt::format("rank {}: {}", rank, one.error().sentence()));
        }
        if (ranks.size() < all.size()) // runs are told apart by their place in the session
            return;
        session_ = merge_ranks(ranks, fmt::format("{} on {} ranks", plan_.workload.model.name, all.size()));
        for (std::uint32_t run = 0; run < session_.runs.size(); ++run)
            for (const std::string &problem : problems_of(session_, {run}))
                problems_.push_back(fmt::format("rank {}: {}", session_.runs[run].plan.ranks->rank, problem));
        if (const Status saved = save_session(session_, out_); !saved)
            problems_.push_back(saved.error().sentence());
    }

    // Every rank ends as rank 0 does.
    Status finish() {
        std::string word;
        for (const std::string &problem : problems_) {
            say("moescope: " + problem);
            word = "failed";
        }
        const Result<std::vector<std::string>> all = meeting_->share(word);
        MOESCOPE_TRY(all);
        if (all->front().empty())
            return {};
        return Error{"the ranks did not finish", problems_.empty() ? "rank 0 says why" : problems_.front(), {}};
    }

    const RanksOptions &options_;
    LaunchedRank place_;
    Plan plan_;
    fs::path out_;
    std::unique_ptr<Meeting> meeting_;
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
    add_plan_options(command, options.plan);
    command
        .add_option("--meet", options.meet,
                    "Where rank 0 can be met (MASTER_ADDR, and the port after MASTER_PORT)")
        ->type_name("HOST:PORT")
        ->group("Ranks");
    command
        .add_option("--out", options.out, "The session file that rank 0 writes (moescope-MODEL-TIME.moescope)")
        ->type_name("FILE")
        ->group("Output");
    command.add_flag("--json", options.json, "Print one JSON document instead of the tables")->group("Output");
    command.footer("Started by the user's own launcher, once a rank: torchrun --no-python, mpirun, srun.\n"
                   "--tokens is the whole batch, of which each rank has its share.");
}

int ranks_command(const RanksOptions &options) {
    const Result<LaunchedRank> place = find_rank(process_environment(), options.meet.value_or(""));
    if (!place)
        return complain(place.error(), kWrongRequest);
    Rank rank(options, *place);
    const Status ran = rank.run();
    if (place->rank == 0 && !rank.session().empty()) {
        show_results(rank.session(), options);
        say_where(rank.out());
    }
    return ran ? kDone : complain(ran.error(), ran.error().what.starts_with("--") ? kWrongRequest : kFailed);
}

} // namespace moescope::cli
