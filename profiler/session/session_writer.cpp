#include "profiler/session/json_codec.h"
#include "profiler/session/record_names.h"
#include "profiler/session/schema.h"
#include "profiler/session/session_file.h"
#include "profiler/session/sqlite.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <system_error>

namespace moescope {

namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr const char *kDoing = "written";

// The log files beside a database. One left by another file would be replayed into ours.
void remove_with_logs(const std::filesystem::path &path) {
    std::error_code ignored;
    for (const char *suffix : {"", "-wal", "-shm", "-journal"})
        std::filesystem::remove(path.string() + suffix, ignored);
}

std::filesystem::path beside(const std::filesystem::path &path) { return path.string() + ".tmp"; }

Status make_empty_file(const std::filesystem::path &path) {
    auto database = Database::open(path, sqlite::Access::Create);
    if (!database)
        return database.error();
    const std::string pragmas = fmt::format(
        "PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'; PRAGMA application_id = {}; "
        "PRAGMA user_version = {};",
        kSessionApplicationId, kSessionSchemaVersion);
    for (const std::string &sql : {pragmas, "BEGIN;" + std::string(kSessionSchema) + "COMMIT;"})
        if (!database->run(sql.c_str()))
            return database->error("created");
    return {};
}

Status move_into_place(const std::filesystem::path &from, const std::filesystem::path &to) {
    for (const char *suffix : {"-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(to.string() + suffix, ignored);
    }
    std::error_code failed;
    std::filesystem::rename(from, to, failed);
    if (!failed)
        return {};
    remove_with_logs(from);
    return Error{fmt::format("{} cannot be written", to.string()), failed.message(),
                 "check the folder and its permissions, or choose another path"};
}

class Writer final : public SessionFileWriter {
  public:
    explicit Writer(Database database)
        : database_(std::make_unique<Database>(std::move(database))) {}
    ~Writer() override { (void)close(); }

    Status prepare() {
        if (auto ready = database_->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
            !ready)
            return database_->error(kDoing);
        for (std::size_t at = 0; at < std::size(tables::kAll); ++at) {
            auto statement = Statement::prepare(*database_, tables::kAll[at]->insert(), kDoing);
            if (!statement)
                return statement.error();
            inserts_[at] = std::move(*statement);
        }
        auto remove =
            Statement::prepare(*database_, "DELETE FROM samples WHERE measurement = ?", kDoing);
        if (!remove)
            return remove.error();
        delete_samples_ = std::move(*remove);
        return {};
    }

    Status write(const Session &session) override {
        if (!database_)
            return Error{"this session file is closed", "nothing can be written to it any more",
                         ""};
        if (!database_->run("BEGIN IMMEDIATE"))
            return database_->error(kDoing);
        Status written = write_all(session);
        if (written && !database_->run("COMMIT"))
            written = database_->error(kDoing);
        if (!written) {
            (void)database_->run("ROLLBACK"); // fails where SQLite has rolled back by itself
            return written;
        }
        written_ = mark(session);
        return {};
    }

    Status close() override {
        if (!database_)
            return {};
        for (Statement &statement : inserts_)
            statement = {};
        delete_samples_ = {};
        Status closed;
        if (!database_->run("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE"))
            closed = database_->error("closed as one plain file");
        database_.reset();
        return closed;
    }

  private:
    // What the file holds. Growing tables need their sizes only; of those whose records change, the
    // chunks are kept (shared with the session, so that an unchanged element has its old address).
    struct Written {
        std::string title;
        decltype(Session::runs) runs;
        decltype(Session::measurements) measurements;
        decltype(Session::candidates) candidates;
        std::size_t names = 0, routings = 0, kernels = 0, api_calls = 0, copies = 0, memory = 0,
                    overheads = 0, failures = 0, counters = 0, pm_samples = 0, device_states = 0,
                    pc_samples = 0;
    };
    static Written mark(const Session &s) {
        return {s.title,
                s.runs,
                s.measurements,
                s.candidates,
                s.names.size(),
                s.routings.size(),
                s.kernels.size(),
                s.api_calls.size(),
                s.copies.size(),
                s.memory.size(),
                s.overheads.size(),
                s.failures.size(),
                s.counters.size(),
                s.pm_samples.size(),
                s.device_states.size(),
                s.pc_samples.size()};
    }

    Statement &insert(const TableSchema &table) {
        for (std::size_t at = 0; at < std::size(tables::kAll); ++at)
            if (tables::kAll[at] == &table)
                return inserts_[at];
        return inserts_[0];
    }

    template <typename Column, typename WriteOne>
    static Status append(const Column &column, std::size_t from, WriteOne write_one) {
        for (std::size_t at = from; at < column.size(); ++at)
            if (Status written = write_one(at, column[at]); !written)
                return written;
        return {};
    }

    // write_one(index, record, old record or null) for what is new or has changed.
    template <typename Column, typename WriteOne>
    static Status update(const Column &column, const Column &old, WriteOne write_one) {
        for (std::size_t at = 0; at < column.size(); ++at) {
            const auto *before = at < old.size() ? &old[at] : nullptr;
            if (before == &column[at] || (before && *before == column[at]))
                continue;
            if (Status written = write_one(at, column[at], before); !written)
                return written;
        }
        return {};
    }

    Status write_all(const Session &session) {
        using Step = Status (Writer::*)(const Session &);
        for (const Step step :
             {&Writer::write_facts, &Writer::write_runs, &Writer::write_measurements,
              &Writer::write_candidates, &Writer::write_routings, &Writer::write_launches,
              &Writer::write_the_rest, &Writer::write_counters})
            if (Status written = (this->*step)(session); !written)
                return written;
        return {};
    }

    Status write_facts(const Session &session) {
        Statement &facts = insert(tables::kSession);
        if (written_.runs.empty() || written_.title != session.title) {
            if (Status done = facts.execute("title", session.title); !done)
                return done;
            if (Status done = facts.execute("created_ns", session.created_ns); !done)
                return done;
            if (Status done = facts.execute("app_version", session.app_version); !done)
                return done;
        }
        Statement &names = insert(tables::kNames);
        return append(session.names, written_.names, [&](std::size_t id, const std::string &text) {
            return names.execute(id, text);
        });
    }

    Status write_runs(const Session &session) {
        Statement &row = insert(tables::kRuns);
        return update(session.runs, written_.runs,
                      [&](std::size_t id, const RunRecord &r, const RunRecord *) {
                          return row.execute(id, name_of(r.state), r.started_ns, r.finished_ns,
                                             r.dropped_records, dump_json(to_json(r.plan)),
                                             dump_json(to_json(r.device)));
                      });
    }

    Status write_measurements(const Session &session) {
        Statement &row = insert(tables::kMeasurements);
        const auto write_one = [&](std::size_t id, const Measurement &m,
                                   const Measurement *old) -> Status {
            const TileConfig &c = m.config;
            const Summary &t = m.time, &e = m.event_time;
            const Status written = row.execute(
                id, m.run, info(m.op).name, m.variant, c.block_m, c.block_n, c.block_k, c.warps,
                c.stages, name_of(m.state), name_of(m.timer), name_of(m.cache), m.warmup, t.samples,
                t.minimum, t.p10, t.median, t.p90, t.maximum, t.mean, t.ci_low, t.ci_high,
                e.samples, e.minimum, e.p10, e.median, e.p90, e.maximum, e.mean, e.ci_low,
                e.ci_high, m.kernel_ns, m.gap_ns, m.kernels_per_repetition, m.cost.bytes,
                m.cost.flops, m.floor_ns, m.input_bytes, m.output_bytes, m.workspace_bytes,
                m.peak_bytes, m.relative_error, m.reference, m.tuned, m.throttle, m.failure.what,
                m.failure.why, m.failure.remedy);
            if (!written)
                return written;
            if (old && old->samples_ns == m.samples_ns &&
                old->event_samples_ns == m.event_samples_ns)
                return {};
            return write_samples(id, m);
        };
        return update(session.measurements, written_.measurements, write_one);
    }

    Status write_samples(std::size_t measurement, const Measurement &m) {
        if (Status removed = delete_samples_.execute(measurement); !removed)
            return removed;
        Statement &row = insert(tables::kSamples);
        const auto write_clock = [&](const char *clock, const std::vector<float> &samples) {
            return append(samples, 0, [&](std::size_t repetition, float duration_ns) {
                return row.execute(measurement, clock, repetition, duration_ns);
            });
        };
        if (Status written = write_clock("timer", m.samples_ns); !written)
            return written;
        return write_clock("events", m.event_samples_ns);
    }

    Status write_candidates(const Session &session) {
        Statement &row = insert(tables::kCandidates);
        const auto write_one = [&](std::size_t id, const Candidate &c, const Candidate *) {
            const Summary &t = c.time;
            return row.execute(id, c.run, info(c.op).name, c.variant, c.config.block_m,
                               c.config.block_n, c.config.block_k, c.config.warps, c.config.stages,
                               name_of(c.fate), c.reason, c.registers, c.spill_bytes, c.smem_bytes,
                               c.threads, c.blocks_per_sm, t.samples, t.minimum, t.p10, t.median,
                               t.p90, t.maximum, t.mean, t.ci_low, t.ci_high, c.compile_ms,
                               c.from_cache);
        };
        return update(session.candidates, written_.candidates, write_one);
    }

    Status write_routings(const Session &session) {
        Statement &row = insert(tables::kRoutings);
        Statement &load = insert(tables::kExpertLoad);
        return append(session.routings, written_.routings,
                      [&](std::size_t id, const RoutingRecord &r) -> Status {
                          const std::string sample = dump_json(Json(r.sample_ids));
                          if (Status done = row.execute(id, r.run, r.tokens, r.top_k, sample);
                              !done)
                              return done;
                          return append(r.counts, 0, [&](std::size_t expert, std::int32_t slots) {
                              return load.execute(id, expert, slots);
                          });
                      });
    }

    Status write_launches(const Session &session) {
        Statement &kernel = insert(tables::kKernels);
        Status done =
            append(session.kernels, written_.kernels, [&](std::size_t id, const KernelRecord &k) {
                return kernel.execute(id, k.start_ns, k.end_ns, k.name, k.correlation, k.device,
                                      k.stream, k.tag.measurement, k.tag.repetition, k.grid[0],
                                      k.grid[1], k.grid[2], k.block[0], k.block[1], k.block[2],
                                      k.registers, k.static_smem_bytes, k.dynamic_smem_bytes,
                                      k.local_bytes_per_thread, k.theoretical_occupancy);
            });
        if (!done)
            return done;
        Statement &call = insert(tables::kApiCalls);
        return append(
            session.api_calls, written_.api_calls, [&](std::size_t id, const ApiRecord &a) {
                return call.execute(id, a.start_ns, a.end_ns, a.name, a.correlation, a.process,
                                    a.thread, a.tag.measurement, a.tag.repetition);
            });
    }

    Status write_the_rest(const Session &session) {
        Statement &copy = insert(tables::kCopies), &memory = insert(tables::kMemory);
        Statement &overhead = insert(tables::kOverheads), &failure = insert(tables::kFailures);
        Status done =
            append(session.copies, written_.copies, [&](std::size_t id, const CopyRecord &c) {
                return copy.execute(id, c.start_ns, c.end_ns, c.bytes, c.correlation, c.device,
                                    c.stream, name_of(c.kind), c.tag.measurement, c.tag.repetition);
            });
        if (done)
            done =
                append(session.memory, written_.memory, [&](std::size_t id, const MemoryRecord &m) {
                    return memory.execute(id, m.time_ns, m.bytes, m.address, m.label,
                                          m.tag.measurement, m.tag.repetition, m.run);
                });
        if (done)
            done = append(session.overheads, written_.overheads,
                          [&](std::size_t id, const OverheadRecord &o) {
                              return overhead.execute(id, o.start_ns, o.end_ns, o.kind);
                          });
        if (done)
            done =
                append(session.failures, written_.failures, [&](std::size_t id, const Failure &f) {
                    return failure.execute(id, f.time_ns, f.run, f.where, f.error.what, f.error.why,
                                           f.error.remedy);
                });
        return done;
    }

    Status write_counters(const Session &session) {
        Statement &counter = insert(tables::kCounters), &pm_sample = insert(tables::kPmSamples);
        Statement &state = insert(tables::kDeviceStates), &pc_sample = insert(tables::kPcSamples);
        Status done = append(session.counters, written_.counters,
                             [&](std::size_t id, const CounterRecord &c) {
                                 return counter.execute(id, c.measurement, c.kernel, c.range, c.metric,
                                                        c.value);
                             });
        if (done)
            done = append(session.pm_samples, written_.pm_samples,
                          [&](std::size_t id, const PmSampleRecord &s) {
                              return pm_sample.execute(id, s.run, s.start_ns, s.end_ns, s.device,
                                                       s.metric, s.value);
                          });
        if (done)
            done = append(session.device_states, written_.device_states,
                          [&](std::size_t id, const DeviceStateRecord &s) {
                              return state.execute(id, s.run, s.time_ns, s.device, s.sm_clock_mhz,
                                                   s.memory_clock_mhz, s.temperature_c, s.power_w,
                                                   s.clock_event_reasons);
                          });
        if (done)
            done = append(session.pc_samples, written_.pc_samples,
                          [&](std::size_t id, const PcSampleRecord &s) {
                              return pc_sample.execute(id, s.measurement, s.kernel, s.pc_offset, s.file,
                                                       s.line, s.stall, s.samples);
                          });
        return done;
    }

    std::unique_ptr<Database> database_; // on the heap: statements point to it
    std::array<Statement, std::size(tables::kAll)> inserts_;
    Statement delete_samples_;
    Written written_;
};

} // namespace

Result<std::unique_ptr<SessionFileWriter>>
SessionFileWriter::create(const std::filesystem::path &path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return Error{fmt::format("{} cannot be written", path.string()), "it is a folder",
                     "name a file in it"};
    // Made complete beside the old file first: a failure leaves that one as it was.
    const std::filesystem::path temporary = beside(path);
    remove_with_logs(temporary);
    if (Status made = make_empty_file(temporary); !made) {
        remove_with_logs(temporary);
        Error error = made.error();
        error.what = fmt::format("{} cannot be written", path.string());
        return error;
    }
    if (Status moved = move_into_place(temporary, path); !moved)
        return moved.error();
    auto database = Database::open(path, sqlite::Access::ReadWrite);
    if (!database)
        return database.error();
    auto writer = std::make_unique<Writer>(std::move(*database));
    if (Status ready = writer->prepare(); !ready)
        return ready.error();
    return std::unique_ptr<SessionFileWriter>(std::move(writer));
}

Status save_session(const Session &session, const std::filesystem::path &path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return Error{fmt::format("{} cannot be written", path.string()), "it is a folder",
                     "name a file in it"};
    const std::filesystem::path temporary = path.string() + ".saving";
    auto writer = SessionFileWriter::create(temporary);
    Status saved = writer ? (*writer)->write(session) : Status(writer.error());
    if (saved)
        saved = (*writer)->close();
    if (!saved) {
        if (writer)
            (void)(*writer)->close();
        remove_with_logs(temporary);
        Error error = saved.error();
        error.what = fmt::format("{} cannot be written", path.string());
        return error;
    }
    return move_into_place(temporary, path);
}

} // namespace moescope
