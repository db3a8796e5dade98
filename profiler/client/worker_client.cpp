#include "profiler/client/worker_client.h"

#include "profiler/base/clock.h"
#include "profiler/base/wait.h"
#include "profiler/client/autosave.h"
#include "profiler/client/session_feed.h"
#include "profiler/client/worker_link.h"
#include "profiler/protocol/codec.h"
#include "profiler/remote/backoff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

namespace moescope {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSnapshotInterval{33};
constexpr milliseconds kTick{200};
constexpr milliseconds kCancelGrace{5000};
constexpr int kMaxRestarts = 3;             // without a run that finished in between
constexpr int kSshFailed = 255;             // ssh's own exit status, as against its command's
constexpr int kSignalled = 128;             // and what a shell adds to the signal's number

SessionBuilder first_builder(const SessionPtr &start) {
    return start ? SessionBuilder(*start) : SessionBuilder("Session");
}

using Question = std::variant<MetricsRequest, SourceRequest>;
using Answer = std::variant<MetricsAnswer, SourceAnswer>;

Answer no_answer(const Question &question, const Error &error) {
    if (std::holds_alternative<MetricsRequest>(question)) {
        MetricsAnswer answer;
        answer.error = error;
        return answer;
    }
    SourceAnswer answer;
    answer.error = error;
    return answer;
}

class Client final : public WorkerClient {
  public:
    Client(WorkerCommand command, SessionPtr start, const std::filesystem::path &autosave)
        : command_(std::move(command)), builder_(first_builder(start)), autosave_(autosave) {
        if (autosave_.wanted())
            builder_.set_path(autosave.string());
        session_ = builder_.snapshot();
        if (Result<Pipe> pipe = make_pipe(false)) // without one the thread still looks every tick
            wake_ = std::move(*pipe);
        thread_ = std::thread([this] { work(); });
    }

    ~Client() override {
        tell([this] { stop_ = true; });
        thread_.join();
    }

    void run(Plan plan, bool replace) override {
        tell([&] {
            if (replace) {
                queue_.clear();
                cancel_ = true;
            }
            queue_.push_back(std::move(plan));
        });
    }
    void cancel() override {
        tell([this] {
            queue_.clear();
            measure_.reset();
            cancel_ = true;
        });
    }
    void reconnect() override {
        tell([this] { reconnect_ = true; });
    }
    void measure_ceilings(std::string device) override {
        tell([&] { measure_ = std::move(device); });
    }
    std::uint64_t ask(MetricsRequest request) override { return queue(std::move(request)); }
    std::shared_ptr<const MetricsAnswer> take_answer(std::uint64_t question) override {
        return take<MetricsAnswer>(question);
    }
    std::uint64_t ask_source(SourceRequest request) override { return queue(std::move(request)); }
    std::shared_ptr<const SourceAnswer> take_source(std::uint64_t question) override {
        return take<SourceAnswer>(question);
    }
    SessionPtr session() const override {
        const std::lock_guard lock(mutex_);
        return session_;
    }
    Progress progress() const override {
        const std::lock_guard lock(mutex_);
        return shown_;
    }
    bool wait(double seconds) override {
        std::unique_lock lock(mutex_);
        if (seconds >= 0)
            return idle_changed_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return idle_; });
        wait_until(idle_changed_, lock, [this] { return idle_; });
        return true;
    }
    void on_change(std::function<void()> callback) override {
        const std::lock_guard lock(callback_mutex_);
        callback_ = std::move(callback);
    }

  private:
    struct Requests {
        std::optional<Plan> plan; // the next to send, if one may be sent now
        std::optional<std::string> measure; // a device's ceilings, if they may be measured now
        std::vector<std::pair<std::uint64_t, Question>> questions;
        bool cancel = false, reconnect = false, stop = false;
    };

    // Changes what is asked of the thread, and wakes it.
    template <typename Change> void tell(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change();
            idle_ = false;
        }
        write_available(wake_.write, "x");
    }

    std::uint64_t queue(Question asked) {
        std::uint64_t question = 0;
        tell([&] {
            question = next_question_++;
            questions_.emplace_back(question, std::move(asked));
        });
        return question;
    }
    template <typename Wanted> std::shared_ptr<const Wanted> take(std::uint64_t question) {
        const std::lock_guard lock(mutex_);
        const auto found = answers_.find(question);
        if (found == answers_.end() || !std::holds_alternative<Wanted>(found->second))
            return nullptr;
        auto taken = std::make_shared<const Wanted>(std::get<Wanted>(std::move(found->second)));
        answers_.erase(found);
        return taken;
    }

    // ---- On the client's thread

    void work();
    void step();
    Requests take_requests();
    void start_worker();
    void receive();
    Status handle(const wire::FromWorker &message);
    Status greet(const wire::Hello &hello);
    void send_run(Plan plan);
    void send_rest();
    void send_plan(const Plan &plan);
    void send_measure(const std::string &device);
    void take_ceilings(const wire::CeilingsMeasured &message);
    void send_question(std::uint64_t question, const Question &request);
    void answer(std::uint64_t question, Answer answered);
    void give_up_questions(const Error &error);
    void send_cancel();
    Error devices_unnamed() const;
    void check_limits();
    void worker_ended(const std::string &how);
    void connection_ended(const std::string &how, int exit_status);
    void wait_to_reconnect(const SshFailure &failure);
    void suspend_run(const Error &error);
    void connect_again();
    Status check_same_device() const;
    void give_up(Error error, RemoteTrouble trouble = RemoteTrouble::None);
    void publish();
    void save(bool now_or_never);
    milliseconds until_next_publication() const;

    bool introduced() const { return greeted_ && has_devices_; }
    bool ready() const { return link_ && introduced() && !killed_; }
    bool busy() const { return feed_.running() || measuring_ != 0; }
    void note_change(bool urgent = false) {
        changed_ = true;
        urgent_ = urgent_ || urgent;
    }

    const WorkerCommand command_;
    Pipe wake_;

    mutable std::mutex mutex_; // guards the next block
    std::deque<Plan> queue_;
    std::optional<std::string> measure_;
    std::deque<std::pair<std::uint64_t, Question>> questions_; // not sent yet
    std::map<std::uint64_t, Answer> answers_; // not taken yet
    std::uint64_t next_question_ = 1;
    bool cancel_ = false, reconnect_ = false, stop_ = false;
    bool idle_ = false; // nothing queued, running or unpublished
    std::condition_variable idle_changed_;
    SessionPtr session_;
    Progress shown_;

    std::mutex callback_mutex_;
    std::function<void()> callback_;

    // The thread's own.
    SessionBuilder builder_;
    SessionFeed feed_{builder_};
    Autosave autosave_;
    std::optional<Error> save_error_; // reported already
    std::unique_ptr<WorkerLink> link_;
    Progress progress_;
    bool greeted_ = false, has_devices_ = false;
    bool killed_ = false; // from this side; its end has not been seen yet
    bool changed_ = true, urgent_ = true;
    int restarts_ = 0;
    std::map<std::uint64_t, Question> asked_; // questions sent and not answered
    std::uint64_t next_request_ = 1;
    std::optional<SessionFeed::Rest> rest_; // of the run, for the next worker
    bool was_connected_ = false;            // the worker has answered since it was last Gone
    Backoff backoff_;                       // of a lost connection
    std::optional<Clock::time_point> reconnect_at_;
    std::uint64_t measuring_ = 0; // the request for ceilings that is not answered yet; 0: none
    Clock::time_point heard_at_{}; // the worker's greeting; until then its start
    Clock::time_point published_at_{}, heartbeat_at_{};
    std::optional<Clock::time_point> cancel_sent_at_;

    std::thread thread_; // last: it uses all of the above
};

void Client::work() {
    // A write to a worker that is gone must be an error, not a signal; signals are the program's affair.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);

    start_worker();
    while (true) {
        const Requests requests = take_requests();
        if (requests.stop)
            break;
        if (requests.cancel)
            send_cancel();
        if (requests.reconnect || (reconnect_at_ && Clock::now() >= *reconnect_at_))
            connect_again();
        if (rest_ && ready())
            send_rest();
        if (requests.measure)
            send_measure(*requests.measure);
        for (const auto &[question, request] : requests.questions)
            send_question(question, request);
        if (requests.plan)
            send_run(*requests.plan);
        step();
        publish();
    }
    feed_.end_run(RunRecord::State::Cancelled, std::nullopt, now_ns());
    link_.reset();
    {
        const std::lock_guard lock(mutex_);
        session_ = builder_.snapshot();
    }
    save(true);
    (void)autosave_.close(); // its errors were reported as they came; nobody is left to tell
}

Client::Requests Client::take_requests() {
    (void)read_available(wake_.read);
    const std::lock_guard lock(mutex_);
    Requests requests;
    requests.stop = stop_;
    requests.cancel = std::exchange(cancel_, false);
    requests.reconnect = std::exchange(reconnect_, false);
    const bool gone = !link_ && !reconnect_at_;
    const bool can_start = !busy() && (ready() || gone);
    if (can_start)
        requests.measure = std::exchange(measure_, std::nullopt);
    if (ready() || gone) {
        requests.questions.assign(std::make_move_iterator(questions_.begin()), std::make_move_iterator(questions_.end()));
        questions_.clear();
    }
    if (!queue_.empty() && can_start && !requests.measure) {
        requests.plan = std::move(queue_.front());
        queue_.pop_front();
    }
    return requests;
}

void Client::step() {
    const auto timeout = until_next_publication();
    if (!link_) { // gone: sleep until asked, or until it is time to try again
        pollfd wake{wake_.read.get(), POLLIN, 0};
        poll(&wake, 1, int(timeout.count()));
        return;
    }
    link_->wait_for_activity(wake_.read, int(timeout.count()));
    receive();
    if (link_)
        check_limits();
    if (link_ && command_.remote && Clock::now() >= heartbeat_at_) {
        heartbeat_at_ = Clock::now() + std::chrono::seconds(kHeartbeatSeconds);
        link_->send({});
    }
}

milliseconds Client::until_next_publication() const {
    if (!changed_)
        return kTick;
    const auto due = std::chrono::duration_cast<milliseconds>(published_at_ + kSnapshotInterval - Clock::now());
    return urgent_ ? milliseconds(0) : std::clamp(due, milliseconds(1), kTick);
}

void Client::start_worker() {
    progress_.state = State::Starting;
    progress_.error = {};
    progress_.trouble = RemoteTrouble::None;
    progress_.doing.clear();
    progress_.fraction = -1;
    greeted_ = has_devices_ = killed_ = false;
    heard_at_ = Clock::now();
    feed_.worker_started();
    note_change(true);
    Result<std::unique_ptr<WorkerLink>> link = WorkerLink::start(command_.argv);
    if (link)
        link_ = std::move(*link);
    else
        give_up(link.error());
}

void Client::receive() {
    Result<std::vector<wire::FromWorker>> messages = link_->receive();
    if (!messages) {
        Error error = messages.error();
        if (command_.remote && !greeted_)
            error = {fmt::format("{} says something before its worker does", command_.label), error.why,
                     fmt::format("let the login files there print nothing where nobody is at a terminal: ssh {} true must be silent",
                                 command_.label)};
        if (const std::string words = link_->last_words(); !words.empty())
            error.why += "; its last words: " + words;
        return give_up(std::move(error), RemoteTrouble::Other);
    }
    for (const wire::FromWorker &message : *messages)
        if (Status handled = handle(message); !handled)
            return give_up(handled.error(), greeted_ ? RemoteTrouble::Other : RemoteTrouble::OtherVersion);
    if (const std::optional<std::string> how = link_->ended())
        worker_ended(*how);
}

Status Client::handle(const wire::FromWorker &message) {
    if (message.kind_case() == wire::FromWorker::kHello)
        return greet(message.hello());
    if (!greeted_)
        return Error{"the worker did not say hello first", "its program is not this version's",
                     "install the same version there"};
    switch (message.kind_case()) {
    case wire::FromWorker::kDevices:
        progress_.devices.clear();
        for (const wire::DeviceInfo &device : message.devices().devices())
            progress_.devices.push_back(from_wire(device));
        has_devices_ = was_connected_ = true;
        backoff_.succeeded();
        if (progress_.state == State::Reconnecting)
            progress_.error = {};
        progress_.trouble = RemoteTrouble::None;
        progress_.state = State::Ready;
        note_change(true);
        return {};
    case wire::FromWorker::kProgress:
        if (message.progress().request() == feed_.request()) {
            progress_.doing = message.progress().doing();
            progress_.fraction = message.progress().fraction();
        }
        note_change();
        return {};
    case wire::FromWorker::kRunFinished: {
        Status applied = feed_.apply(message);
        if (!feed_.running()) {
            restarts_ = 0;
            cancel_sent_at_.reset();
            progress_.state = State::Ready;
            progress_.doing.clear();
            progress_.fraction = -1;
        }
        note_change(true);
        return applied;
    }
    case wire::FromWorker::kCeilings:
        take_ceilings(message.ceilings());
        return {};
    case wire::FromWorker::kMetrics: {
        Decoding decoding;
        MetricsAnswer answered = from_wire(message.metrics(), decoding);
        answer(message.metrics().request(), std::move(answered));
        return decoding.status();
    }
    case wire::FromWorker::kSource: {
        Decoding decoding;
        SourceAnswer answered = from_wire(message.source(), decoding);
        answer(message.source().request(), std::move(answered));
        return decoding.status();
    }
    case wire::FromWorker::kFailure:
        progress_.error = from_wire(message.failure().error());
        note_change(true);
        return feed_.apply(message);
    default:
        note_change();
        return feed_.apply(message);
    }
}

Status Client::greet(const wire::Hello &hello) {
    if (hello.protocol_version() != kProtocolVersion)
        return Error{fmt::format("the worker on {} is version {} (protocol {})", command_.label, hello.build_version(),
                                 hello.protocol_version()),
                     fmt::format("this is version {} (protocol {})", MOESCOPE_VERSION, kProtocolVersion),
                     command_.remote ? fmt::format("copy this one there: the Hosts panel, or moescope remote {} --copy",
                                                   command_.label)
                                     : "install the same version on both sides"};
    greeted_ = true;
    heard_at_ = Clock::now();
    return {};
}

void Client::send_run(Plan plan) {
    if (Status valid = validate(plan); !valid) {
        progress_.error = valid.error();
        feed_.add_failure("plan", valid.error(), now_ns());
        return note_change(true);
    }
    if (!link_) { // it had given up: a new request is a new chance
        restarts_ = 0;
        const std::lock_guard lock(mutex_);
        queue_.push_front(std::move(plan));
        return start_worker();
    }
    DeviceInfo device;
    for (const DeviceInfo &known : progress_.devices)
        if (known.id == plan.device || (plan.device == "auto" && &known == &progress_.devices.front()))
            device = known;
    send_plan(plan);
    feed_.begin_run(next_request_++, std::move(plan), std::move(device), now_ns());
    progress_.error = {};
}

// The error stays to be read: it says what the worker before died of.
void Client::send_rest() {
    if (const Status same = check_same_device(); !same) {
        feed_.add_failure("worker", same.error(), now_ns());
        feed_.end_run(RunRecord::State::Failed, same.error(), now_ns());
        progress_.error = same.error();
        rest_.reset();
        return note_change(true);
    }
    send_plan(rest_->plan);
    feed_.continue_run(next_request_++);
    progress_.doing = rest_->without.empty() ? "going on" : "going on without " + rest_->without;
    rest_.reset();
}

// A name may stand for several machines: a run is of one.
Status Client::check_same_device() const {
    const DeviceInfo *before = feed_.run_device();
    if (!command_.remote || !before || before->host.empty())
        return {};
    for (const DeviceInfo &device : progress_.devices)
        if (device.id == before->id && device.name == before->name && device.host == before->host)
            return {};
    return Error{fmt::format("the run on {} was not gone on with", command_.label),
                 fmt::format("it ran on {} of {}, which the machine that answers now does not have", before->name, before->host),
                 "what was measured is kept; run it again"};
}

void Client::send_plan(const Plan &plan) {
    wire::ToWorker message;
    message.mutable_run()->set_request(next_request_);
    to_wire(plan, message.mutable_run()->mutable_plan());
    link_->send(message);
    progress_.state = State::Running;
    progress_.doing = "starting";
    progress_.fraction = -1;
    note_change(true);
}

void Client::send_measure(const std::string &device) {
    if (!link_) { // as for a plan
        restarts_ = 0;
        {
            const std::lock_guard lock(mutex_);
            measure_ = device;
        }
        return start_worker();
    }
    measuring_ = next_request_++;
    wire::ToWorker message;
    message.mutable_ceilings()->set_request(measuring_);
    message.mutable_ceilings()->set_device(device);
    link_->send(message);
    progress_.state = State::Running;
    progress_.error = {};
    progress_.doing = "measuring the ceilings";
    progress_.fraction = -1;
    note_change(true);
}

void Client::take_ceilings(const wire::CeilingsMeasured &message) {
    if (message.request() != measuring_)
        return;
    measuring_ = 0;
    for (DeviceInfo &device : progress_.devices)
        if (device.id == message.device() && message.has_ceilings())
            device.ceilings = from_wire(message.ceilings());
    if (message.has_error())
        progress_.error = from_wire(message.error());
    progress_.state = State::Ready;
    progress_.doing.clear();
    note_change(true);
}

void Client::send_question(std::uint64_t question, const Question &request) {
    if (!link_)
        return answer(question, no_answer(request, {"the worker cannot be asked", progress_.error.sentence(), ""}));
    wire::ToWorker message;
    if (const auto *metrics = std::get_if<MetricsRequest>(&request)) {
        to_wire(*metrics, message.mutable_metrics());
        message.mutable_metrics()->set_request(question);
    } else {
        to_wire(std::get<SourceRequest>(request), message.mutable_source());
        message.mutable_source()->set_request(question);
    }
    asked_.emplace(question, request);
    link_->send(message);
}

void Client::answer(std::uint64_t question, Answer answered) {
    asked_.erase(question);
    note_change(true);
    const std::lock_guard lock(mutex_);
    answers_[question] = std::move(answered);
}

void Client::give_up_questions(const Error &error) {
    for (const auto &[question, request] : std::exchange(asked_, {}))
        answer(question, no_answer(request, error));
}

void Client::send_cancel() {
    if (rest_) { // between two workers: there is nobody to ask
        rest_.reset();
        feed_.end_run(RunRecord::State::Cancelled, std::nullopt, now_ns());
        return note_change(true);
    }
    if (!link_ || !feed_.running() || cancel_sent_at_)
        return;
    wire::ToWorker message;
    message.mutable_cancel()->set_request(feed_.request());
    link_->send(message);
    cancel_sent_at_ = Clock::now();
    progress_.doing = "stopping";
    note_change();
}

Error Client::devices_unnamed() const {
    const std::string ask = command_.remote ? fmt::format("ssh {} nvidia-smi", command_.label) : "nvidia-smi";
    return {fmt::format("the worker on {} did not name its devices", command_.label),
            fmt::format("it greeted, and nothing more came for {} s", command_.device_patience.count()),
            "see in a terminal whether the driver answers: " + ask};
}

// A worker that neither introduces itself nor stops when asked is ended.
void Client::check_limits() {
    const bool silent =
        !introduced() && Clock::now() - heard_at_ > (greeted_ ? command_.device_patience : command_.patience);
    if (silent && was_connected_ && command_.remote)
        return link_->kill(); // a connection that hangs is as good as lost: another one is tried
    if (silent && greeted_)
        return give_up(devices_unnamed(), command_.remote ? RemoteTrouble::Other : RemoteTrouble::None);
    if (silent && command_.remote) {
        const SshFailure failure = silent_host(command_.label, command_.patience);
        return give_up(failure.error, failure.trouble);
    }
    if (silent)
        return give_up({fmt::format("the worker on {} did not answer", command_.label),
                        fmt::format("it said nothing for {} s", command_.patience.count()),
                        fmt::format("see whether it starts by hand: {} --devices", fmt::join(command_.argv, " "))});
    if (cancel_sent_at_ && Clock::now() - *cancel_sent_at_ > kCancelGrace) {
        cancel_sent_at_.reset();
        // One call of a CPU reference may take that long, and nothing was wrong with it.
        if (!feed_.runs_on_cpu())
            feed_.add_failure("worker",
                              {"the worker was ended",
                               fmt::format("it did not stop within {} s of being asked", kCancelGrace.count() / 1000),
                               "what was measured is kept; another worker was started"},
                              now_ns());
        feed_.end_run(RunRecord::State::Cancelled, std::nullopt, now_ns());
        link_->kill();
        killed_ = true; // nothing is sent to it any more
    }
}

void Client::worker_ended(const std::string &how) {
    const bool was_ready = introduced();
    measuring_ = 0;
    progress_.last_words = link_->last_words();
    const int exit_status = link_->exit_status();
    link_.reset();
    // ssh says so itself when it is the connection; one that was ended here says nothing.
    if (command_.remote && !killed_ && (exit_status < 0 || exit_status == kSshFailed || exit_status == kUnheardStatus || !was_ready))
        return connection_ended(how, exit_status);
    const bool was_cancelled = cancel_sent_at_.has_value();
    cancel_sent_at_.reset();
    if (killed_) { // as it was asked to be: its end is no news
        give_up_questions({"the worker was ended before it answered", "its run did not stop", "ask again"});
        return start_worker();
    }
    const bool by_signal = command_.remote && exit_status > kSignalled; // as a shell says it
    Error error{fmt::format("the worker on {} {}", command_.label, by_signal ? ended_by(exit_status - kSignalled) : how),
                progress_.last_words.empty() ? "it left no last words" : "its last words: " + progress_.last_words, ""};
    give_up_questions(error);
    const bool restart = was_ready && ++restarts_ <= kMaxRestarts;
    rest_ = restart && !was_cancelled ? feed_.rest_of_run() : std::nullopt;
    if (rest_)
        error.remedy = fmt::format("another worker goes on without {}", rest_->without);
    feed_.add_failure("worker", error, now_ns());
    if (rest_)
        feed_.interrupt_run(error, now_ns());
    else
        feed_.end_run(RunRecord::State::Failed, error, now_ns());
    if (!restart) {
        if (was_ready)
            error.remedy = fmt::format("it was restarted {} times in vain; run again to try once more", kMaxRestarts);
        return give_up(std::move(error));
    }
    start_worker();
    if (link_) { // else the reason why it did not start is worth more
        progress_.state = State::Restarting;
        progress_.error = std::move(error);
    }
}

// What was received stays; what is left waits for the connection.
void Client::connection_ended(const std::string &how, int exit_status) {
    SshFailure failure = explain_ssh_failure(command_.label, exit_status, progress_.last_words, was_connected_);
    if (exit_status < 0 && progress_.last_words.empty())
        failure.error.why = "its ssh " + how;
    give_up_questions(failure.error);
    suspend_run(failure.error);
    if (was_connected_ && may_pass(failure.trouble))
        return wait_to_reconnect(failure);
    give_up(failure.error, failure.trouble);
}

void Client::suspend_run(const Error &error) {
    const bool was_cancelled = cancel_sent_at_.has_value();
    cancel_sent_at_.reset();
    if (!feed_.running() || rest_)
        return;
    const std::optional<Plan> rest = feed_.rest_after_loss();
    if (was_cancelled)
        feed_.end_run(RunRecord::State::Cancelled, std::nullopt, now_ns());
    else if (!rest)
        feed_.end_lost_run(error, now_ns());
    if (was_cancelled || !rest)
        return;
    feed_.add_failure(kConnectionLost, error, now_ns());
    feed_.suspend_run(now_ns());
    rest_ = SessionFeed::Rest{*rest, ""};
}

void Client::wait_to_reconnect(const SshFailure &failure) {
    const std::optional<Backoff::Duration> wait = backoff_.next();
    if (!wait)
        return give_up({failure.error.what, failure.error.why,
                        fmt::format("it was tried for {} minutes; run again to try once more",
                                    std::chrono::duration_cast<std::chrono::minutes>(Backoff::kLimit).count())},
                       failure.trouble);
    reconnect_at_ = Clock::now() + *wait;
    progress_.state = State::Reconnecting;
    progress_.error = failure.error;
    progress_.trouble = failure.trouble;
    progress_.doing.clear();
    progress_.fraction = -1;
    note_change(true);
}

// The error stays until the host has answered.
void Client::connect_again() {
    if (link_)
        return;
    const bool lost = reconnect_at_.has_value();
    reconnect_at_.reset();
    Error error = progress_.error;
    const RemoteTrouble trouble = progress_.trouble;
    if (!lost)
        restarts_ = 0;
    start_worker();
    if (!link_ || !lost)
        return;
    progress_.state = State::Reconnecting;
    progress_.error = std::move(error);
    progress_.trouble = trouble;
}

void Client::give_up(Error error, RemoteTrouble trouble) {
    if (link_) {
        progress_.last_words = link_->last_words();
        link_.reset();
    }
    reconnect_at_.reset();
    was_connected_ = false;
    backoff_.succeeded();
    progress_.trouble = trouble;
    cancel_sent_at_.reset();
    measuring_ = 0;
    rest_.reset();
    give_up_questions(error);
    if (feed_.running()) {
        feed_.add_failure("worker", error, now_ns());
        feed_.end_run(RunRecord::State::Failed, error, now_ns());
    }
    progress_.state = State::Gone;
    progress_.error = std::move(error);
    progress_.doing.clear();
    progress_.fraction = -1;
    {
        const std::lock_guard lock(mutex_);
        queue_.clear();
        measure_.reset();
    }
    note_change(true);
}

void Client::publish() {
    const bool quiet = !busy() && (ready() || !link_);
    progress_.reconnect_at = reconnect_at_;
    const bool due = changed_ && (urgent_ || quiet || Clock::now() - published_at_ >= kSnapshotInterval);
    if (due) {
        SessionPtr next = builder_.snapshot();
        const std::lock_guard lock(mutex_);
        session_ = std::move(next);
        shown_ = progress_;
        changed_ = urgent_ = false;
        published_at_ = Clock::now();
    }
    save(quiet);
    if (due) { // before wait() hears of it
        const std::lock_guard lock(callback_mutex_);
        if (callback_)
            callback_();
    }
    {
        const std::lock_guard lock(mutex_);
        const bool asking = !questions_.empty() || !asked_.empty();
        idle_ = quiet && !changed_ && queue_.empty() && !measure_ && !asking && !cancel_ && !reconnect_;
        if (idle_)
            idle_changed_.notify_all();
    }
}

void Client::save(bool now_or_never) {
    const Status saved = autosave_.update(*session_, now_or_never);
    if (saved || (save_error_ && *save_error_ == saved.error())) // one report for one cause
        return;
    save_error_ = saved.error();
    feed_.add_failure("session file", saved.error(), now_ns());
    progress_.error = saved.error();
    note_change(true);
}

} // namespace

std::string waiting_text(const WorkerClient::Progress &progress) {
    if (!progress.reconnect_at)
        return "trying again";
    const auto left = std::chrono::ceil<std::chrono::seconds>(*progress.reconnect_at - WorkerClient::Clock::now());
    return fmt::format("trying again in {} s", std::max<std::int64_t>(0, left.count()));
}

std::unique_ptr<WorkerClient> WorkerClient::start(WorkerCommand command, SessionPtr start,
                                                  const std::filesystem::path &autosave) {
    return std::make_unique<Client>(std::move(command), std::move(start), autosave);
}

} // namespace moescope
