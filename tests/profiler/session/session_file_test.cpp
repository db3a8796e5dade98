#include "profiler/session/session_file.h"

#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"
#include "tests/support/session_equality.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

using namespace moescope;
using test::first_difference;
using test::TemporaryFolder;

namespace {

Session reread(const std::filesystem::path &path) {
    auto session = read_session(path);
    INFO((session ? "" : session.error().sentence()));
    REQUIRE(session.ok());
    return *session;
}

} // namespace

TEST_CASE("a session comes back from its file exactly as it was") {
    const TemporaryFolder folder;
    for (const SessionPtr &session : {test::sample_session(), test::small_session()}) {
        const auto path = folder / "a.moescope";
        REQUIRE(save_session(*session, path).ok());
        const Session back = reread(path);
        CHECK(first_difference(*session, back) == "");
        CHECK(back.origin == Origin::Recorded);
        CHECK(back.path == path.string());
    }
}

TEST_CASE("launches that were sampled come back as such") {
    const TemporaryFolder folder;
    SessionBuilder builder("sampled");
    const RunId run = builder.add_run({});
    const MeasurementId id = builder.add_measurement({.run = run, .op = OperatorId::Down, .variant = "fused"});
    KernelRecord kernel;
    kernel.start_ns = 1'000;
    kernel.end_ns = 2'000;
    kernel.name = builder.intern("k");
    kernel.tag = {id, kSampledRepetition};
    builder.add(kernel);
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(builder.current(), path).ok());
    const Session back = reread(path);
    REQUIRE(back.kernels.size() == 1);
    CHECK(back.kernels[0].tag == kernel.tag);
}

TEST_CASE("a saved session is one plain file") {
    const TemporaryFolder folder;
    REQUIRE(save_session(*test::small_session(), folder / "a.moescope").ok());
    std::size_t files = 0;
    for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder.path()))
        ++files;
    CHECK(files == 1);
    CHECK(test::read_bytes(folder / "a.moescope").substr(18, 2) ==
          std::string("\1\1")); // not in WAL mode
}

TEST_CASE("writing as the session grows gives the same file as writing it once") {
    const TemporaryFolder folder;
    auto writer = SessionFileWriter::create(folder / "a.moescope");
    REQUIRE(writer.ok());
    SessionBuilder builder(*test::sample_session());
    REQUIRE((*writer)->write(builder.current()).ok());

    Measurement changed = builder.current().measurements[3];
    changed.samples_ns.push_back(1.5f);
    changed.event_samples_ns.clear();
    builder.update(MeasurementId{3}, changed);
    Candidate best = builder.current().candidates[5];
    best.fate = Candidate::Fate::Best;
    builder.update(CandidateId{5}, best);
    RunRecord run = builder.current().runs[1];
    run.dropped_records = 99;
    builder.update(RunId{1}, run);
    builder.add(KernelRecord{.start_ns = 5, .end_ns = 6, .name = builder.intern("a new one")});
    builder.add(Failure{7, RunId{0}, "worker", {"a", "b", "c"}});
    const SessionPtr snapshot = builder.snapshot();
    REQUIRE((*writer)->write(*snapshot).ok());
    CHECK(first_difference(*snapshot, reread(folder / "a.moescope")) == ""); // while it is open

    builder.update(MeasurementId{3}, Measurement{.run = RunId{0}, .variant = "fused"});
    REQUIRE((*writer)->write(builder.current()).ok());
    REQUIRE((*writer)->close().ok());
    CHECK(first_difference(builder.current(), reread(folder / "a.moescope")) == "");
}

TEST_CASE("saving replaces an old file, and a failure to save leaves it as it was") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    REQUIRE(save_session(*test::sample_session(), path).ok());
    CHECK(first_difference(*test::sample_session(), reread(path)) == "");

    Session hostile = *test::small_session();
    REQUIRE_FALSE(save_session(hostile, folder / "none" / "a.moescope").ok());
    CHECK(first_difference(*test::sample_session(), reread(path)) == "");
}

TEST_CASE("a path that cannot be written is named, with the reason") {
    const TemporaryFolder folder;
    for (const auto &path : {folder / "missing" / "a.moescope", folder.path()}) {
        for (const Status &status : {save_session(*test::small_session(), path), [&] {
                                         auto writer = SessionFileWriter::create(path);
                                         return writer ? Status() : Status(writer.error());
                                     }()}) {
            REQUIRE_FALSE(status.ok());
            CHECK(status.error().what == path.string() + " cannot be written");
            CHECK_FALSE(status.error().why.empty());
            CHECK_FALSE(status.error().remedy.empty());
        }
    }
}

TEST_CASE("a disk that fills up gives an error, and what was written before stays readable") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    const pid_t child = fork();
    if (child == 0) { // a file size limit stands in for the full disk
        auto writer = SessionFileWriter::create(path);
        if (!writer || !(*writer)->write(*test::small_session()))
            _exit(2);
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{600'000, 600'000};
        setrlimit(RLIMIT_FSIZE, &limit);
        SessionBuilder builder(*test::small_session());
        for (int i = 0; i < 200'000; ++i)
            builder.add(KernelRecord{.start_ns = 1, .end_ns = 2});
        const Status written = (*writer)->write(builder.current());
        const bool named = !written && written.error().what == path.string() + " cannot be written";
        _exit(named ? 0 : 3);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(first_difference(*test::small_session(), reread(path)) == "");
}

TEST_CASE("a killed writer loses at most what came after its last write") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
        auto writer = SessionFileWriter::create(path);
        SessionBuilder builder(*test::small_session());
        for (std::int64_t round = 1;; ++round) {
            for (int i = 0; i < 1000; ++i)
                builder.add(KernelRecord{.start_ns = round, .end_ns = round});
            if (!writer || !(*writer)->write(builder.current()))
                _exit(1);
            if (write(ready[1], &round, sizeof(round)) != sizeof(round))
                _exit(1);
        }
    }
    close(ready[1]);
    std::int64_t done = 0;
    while (done < 20)
        REQUIRE(read(ready[0], &done, sizeof(done)) == sizeof(done));
    usleep(3000); // somewhere in the middle of a later write
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (std::int64_t more = 0; read(ready[0], &more, sizeof(more)) == sizeof(more);)
        done = more;
    close(ready[0]);

    const Session back = reread(path);
    const auto before = std::int64_t(test::small_session()->kernels.size());
    const auto rounds = (std::int64_t(back.kernels.size()) - before) / 1000;
    CHECK((std::int64_t(back.kernels.size()) - before) % 1000 == 0); // whole transactions only
    CHECK(rounds >= done);
    CHECK(rounds <= done + 1);
    CHECK(back.measurements.size() == test::small_session()->measurements.size());

    // Saved again, it is one plain file.
    REQUIRE(save_session(back, folder / "b.moescope").ok());
    CHECK(first_difference(back, reread(folder / "b.moescope")) == "");
}
