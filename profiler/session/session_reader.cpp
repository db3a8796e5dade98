#include "profiler/session/file_check.h"
#include "profiler/session/json_codec.h"
#include "profiler/session/row_reader.h"
#include "profiler/session/session_file.h"

#include <algorithm>
#include <cstdint>
#include <future>
#include <map>
#include <vector>

namespace moescope {

namespace {

using sqlite::Database;
using sqlite::Statement;

constexpr int kLongestValueBytes = 64 << 20;
constexpr std::int64_t kMostExperts = 1 << 20, kMostSamples = 1 << 24;

Result<std::uint32_t> schema_of(const Database &database) {
    auto statement = Statement::prepare(database, "PRAGMA user_version", "read");
    if (!statement)
        return statement.error();
    if (auto row = statement->step(); !row)
        return row.error();
    return std::uint32_t(sqlite3_column_int64(statement->handle(), 0));
}

// Every table must be a plain table: a view or a virtual table by that name could do anything.
Status check_tables(const Database &database, std::uint32_t schema) {
    auto statement = Statement::prepare(
        database, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'", "read");
    if (!statement)
        return statement.error();
    std::map<std::string, bool, std::less<>> plain;
    for (;;) {
        auto row = statement->step();
        if (!row)
            return row.error();
        if (!*row)
            break;
        const auto column = [&](int at) {
            const auto *text =
                reinterpret_cast<const char *>(sqlite3_column_text(statement->handle(), at));
            return std::string(text ? text : "");
        };
        plain[column(0)] = column(1).starts_with("CREATE TABLE");
    }
    for (const TableSchema *table : tables::kAll) {
        const auto found = plain.find(table->name);
        if (found == plain.end() && table->since > schema)
            continue;
        if (found == plain.end() || !found->second)
            return Error{"its tables are not a session's",
                         fmt::format("the table {} is missing", table->name), ""};
    }
    return {};
}

// A record's summary columns, in the schema's order.
Summary read_summary(RowReader &row) {
    Summary s;
    s.samples = row.count<std::size_t>();
    s.minimum = row.number();
    s.p10 = row.number();
    s.median = row.number();
    s.p90 = row.number();
    s.maximum = row.number();
    s.mean = row.number();
    s.ci_low = row.number();
    s.ci_high = row.number();
    return s;
}

TileConfig read_tile(RowReader &row) {
    TileConfig tile;
    for (std::int32_t *field :
         {&tile.block_m, &tile.block_n, &tile.block_k, &tile.warps, &tile.stages})
        *field = row.count<std::int32_t>();
    return tile;
}

OperatorId read_operator(RowReader &row) {
    const auto found = find_operator(row.text());
    if (!found)
        row.refuse(row.column(), "the name of an operator");
    return found ? *found : OperatorId{};
}

// A start and an end; the end not before the start.
template <typename Record> void read_span(RowReader &row, Record &record) {
    record.start_ns = row.time_ns();
    record.end_ns = row.integer<std::int64_t>(record.start_ns, RowReader::kMost);
}

class Reader {
  public:
    // others: of the same file as of the same moment, so that long tables are read at once; may be
    // empty.
    Reader(Database database, std::vector<Database> others)
        : database_(std::move(database)), others_(std::move(others)) {}

    Status read(std::uint32_t schema) {
        using Step = Status (Reader::*)();
        for (const Step step :
             {&Reader::read_facts, &Reader::read_names, &Reader::read_runs, &Reader::read_measurements})
            if (Status done = (this->*step)(); !done)
                return done;
        // Each fills a column of its own, and looks only at how many names, runs and measurements
        // there are.
        std::future<Status> kernels, calls;
        if (others_.size() > 0)
            kernels = std::async(std::launch::async, [this] { return read_kernels(others_[0]); });
        if (others_.size() > 1)
            calls = std::async(std::launch::async, [this] { return read_calls(others_[1]); });
        Status done = read_rest(schema);
        const Status with_kernels = kernels.valid() ? kernels.get() : read_kernels(database_);
        const Status with_calls = calls.valid() ? calls.get() : read_calls(database_);
        return !done ? done : !with_kernels ? with_kernels : with_calls;
    }
    static constexpr std::size_t kOthers = 2;

    Session take() { return std::move(session_); }
    const Session &so_far() const { return session_; }

  private:
    // read_one(row, index) for every row of a table.
    template <typename ReadOne>
    Status each(const TableSchema &table, ReadOne read_one,
                std::string_view order = "ORDER BY id") {
        return each_of(database_, table, read_one, order);
    }
    template <typename ReadOne>
    static Status each_of(const Database &database, const TableSchema &table, ReadOne read_one,
                          std::string_view order = "ORDER BY id") {
        auto statement = Statement::prepare(database, table.select(order), "read");
        if (!statement)
            return statement.error();
        RowReader row(table, std::move(*statement));
        for (std::size_t at = 0; row.next(); ++at)
            read_one(row, at);
        if (row.error())
            return *row.error();
        return {};
    }
    // Rows that become elements of a column. numbered: others refer to them by their id.
    template <typename Column, typename ReadOne>
    Status fill(const TableSchema &table, Column &column, bool numbered, ReadOne read_one) {
        return fill_from(database_, table, column, numbered, read_one);
    }
    template <typename Column, typename ReadOne>
    static Status fill_from(const Database &database, const TableSchema &table, Column &column, bool numbered,
                            ReadOne read_one) {
        return each_of(database, table, [&](RowReader &row, std::size_t at) {
            if (numbered)
                row.expect_id(at);
            else
                (void)row.count<std::int64_t>();
            auto record = read_one(row);
            if (!row.error())
                column.push_back(std::move(record));
        });
    }

    NameId name(RowReader &row) const { return row.id<NameId>(session_.names.size()); }
    // Views look a record's run up without asking: only a failure may have none.
    RunId run(RowReader &row) const {
        const auto id = row.id<RunId>(session_.runs.size());
        if (!id.valid())
            row.refuse(row.column(), "the id of a run");
        return id;
    }
    Tag tag(RowReader &row) const {
        const auto measurement = row.id<MeasurementId>(session_.measurements.size());
        return {measurement, row.repetition()};
    }

    Status read_facts() {
        const auto read_one = [&](RowReader &row, std::size_t) {
            const std::string key(row.text());
            if (key == "title")
                session_.title = row.text();
            else if (key == "created_ns")
                session_.created_ns = row.time_ns();
            else if (key == "app_version")
                session_.app_version = row.text();
        };
        return each(tables::kSession, read_one, "");
    }

    Status read_names() {
        return fill(tables::kNames, session_.names, true,
                    [](RowReader &row) { return std::string(row.text()); });
    }

    Status read_runs() {
        return fill(tables::kRuns, session_.runs, true, [](RowReader &row) {
            RunRecord run;
            run.state = row.choice(RunRecord::State::Failed);
            run.started_ns = row.time_ns();
            run.finished_ns = row.time_ns();
            run.dropped_records = row.count<std::int64_t>();
            const auto take = [&](auto read_json, const char *what, auto &out) {
                const auto json = parse_json(row.text(), what);
                auto value = json ? read_json(*json) : json.error();
                if (value)
                    out = std::move(*value);
                else
                    row.fail(value.error());
            };
            take(plan_from_json, "a run's plan", run.plan);
            take(device_from_json, "a run's device", run.device);
            if (const Status valid = validate(run.plan.workload); !valid)
                row.fail(valid.error());
            return run;
        });
    }

    Status read_measurements() {
        return fill(tables::kMeasurements, session_.measurements, true, [this](RowReader &row) {
            Measurement m;
            m.run = run(row);
            m.op = read_operator(row);
            m.variant = row.text();
            m.config = read_tile(row);
            m.state = row.choice(Measurement::State::Cancelled);
            m.timer = row.choice(Measurement::Timer::HostClock);
            m.cache = row.choice(CacheState::Warm);
            m.warmup = row.count<std::int32_t>();
            m.time = read_summary(row);
            m.event_time = read_summary(row);
            m.kernel_ns = row.number();
            m.gap_ns = row.number();
            m.kernels_per_repetition = row.count<std::int32_t>();
            m.cost.bytes = row.number();
            m.cost.flops = row.number();
            m.floor_ns = row.number();
            m.input_bytes = row.count<std::int64_t>();
            m.output_bytes = row.count<std::int64_t>();
            m.workspace_bytes = row.count<std::int64_t>();
            m.peak_bytes = row.count<std::int64_t>();
            m.relative_error = row.number();
            m.reference = row.text();
            m.tuned = row.text();
            m.throttle = row.text();
            m.failure.what = row.text();
            m.failure.why = row.text();
            m.failure.remedy = row.text();
            return m;
        });
    }

    // Rows come by measurement, clock and repetition: each clock's repetitions count up from 0.
    Status read_samples() {
        std::vector<Measurement> filled(session_.measurements.begin(), session_.measurements.end());
        const auto read_one = [&](RowReader &row, std::size_t) {
            const auto id = row.id<MeasurementId>(filled.size());
            if (!id.valid())
                row.refuse(row.column(), "the id of a measurement");
            const std::string_view clock = row.text();
            if (clock != "timer" && clock != "events")
                row.refuse(row.column(), "timer or events");
            if (row.error())
                return;
            Measurement &m = filled[id.value];
            auto &samples = clock == "timer" ? m.samples_ns : m.event_samples_ns;
            const auto expected = std::min(std::int64_t(samples.size()), kMostSamples);
            (void)row.integer<std::int64_t>(expected, expected);
            samples.push_back(float(row.number()));
        };
        Status done = each(tables::kSamples, read_one, "ORDER BY measurement, clock, repetition");
        for (std::size_t id = 0; done && id < filled.size(); ++id)
            session_.measurements.set(id, std::move(filled[id]));
        return done;
    }

    Status read_candidates() {
        return fill(tables::kCandidates, session_.candidates, true, [this](RowReader &row) {
            Candidate c;
            c.run = run(row);
            c.op = read_operator(row);
            c.variant = row.text();
            c.config = read_tile(row);
            c.fate = row.choice(Candidate::Fate::Best);
            c.reason = row.text();
            for (std::int32_t *field :
                 {&c.registers, &c.spill_bytes, &c.smem_bytes, &c.threads, &c.blocks_per_sm})
                *field = row.count<std::int32_t>();
            c.time = read_summary(row);
            c.compile_ms = row.number();
            c.from_cache = row.integer<std::int32_t>(0, 1) == 1;
            return c;
        });
    }

    Status read_routings() {
        return fill(tables::kRoutings, session_.routings, true, [this](RowReader &row) {
            RoutingRecord r;
            r.run = run(row);
            r.tokens = row.count<std::int64_t>();
            r.top_k = row.integer<std::int32_t>(1, kMostExperts);
            const auto json = parse_json(row.text(), "a routing's sample_experts");
            const bool is_list = json && json->is_array();
            if (!is_list)
                row.refuse(row.column(), "a JSON list of experts");
            for (std::size_t at = 0; is_list && at < json->size(); ++at) {
                const Json &expert = (*json)[at];
                if (expert.is_number_unsigned() &&
                    expert.get<std::uint64_t>() < std::uint64_t(kMostExperts))
                    r.sample_ids.push_back(expert.get<std::int32_t>());
                else
                    row.refuse(row.column(), "a JSON list of experts");
            }
            return r;
        });
    }

    Status read_loads() {
        std::vector<RoutingRecord> filled(session_.routings.begin(), session_.routings.end());
        const auto read_one = [&](RowReader &row, std::size_t) {
            const auto routing = row.integer<std::int64_t>(0, std::int64_t(filled.size()) - 1);
            if (row.error())
                return;
            auto &counts = filled[std::size_t(routing)].counts;
            const auto expected = std::min(std::int64_t(counts.size()), kMostExperts);
            (void)row.integer<std::int64_t>(expected, expected);
            counts.push_back(row.count<std::int32_t>());
        };
        Status done = each(tables::kExpertLoad, read_one, "ORDER BY routing, expert");
        for (std::size_t id = 0; done && id < filled.size(); ++id) {
            done = check_experts(filled[id]);
            session_.routings.set(id, std::move(filled[id]));
        }
        return done;
    }

    // Views index counts by the model's experts and by the sample's, and the sample by top_k.
    Status check_experts(const RoutingRecord &routing) const {
        const auto experts = session_.runs[routing.run.value].plan.workload.model.experts;
        if (routing.counts.size() != std::size_t(experts))
            return Error{fmt::format("a routing has the load of {} experts", routing.counts.size()),
                         fmt::format("its run's model has {}", experts), ""};
        if (routing.sample_ids.size() % std::size_t(routing.top_k) != 0)
            return Error{fmt::format("a routing's sample_experts hold {} numbers",
                                     routing.sample_ids.size()),
                         fmt::format("its top_k is {}", routing.top_k), ""};
        for (const std::int32_t expert : routing.sample_ids)
            if (expert >= experts)
                return Error{fmt::format("a routing's sample_experts name expert {}", expert),
                             fmt::format("its run's model has {}", experts), ""};
        return {};
    }

    Status read_rest(std::uint32_t schema) {
        using Step = Status (Reader::*)();
        for (const Step step : {&Reader::read_samples, &Reader::read_candidates, &Reader::read_routings,
                                &Reader::read_loads, &Reader::read_copies, &Reader::read_memory,
                                &Reader::read_overheads, &Reader::read_failures})
            if (Status done = (this->*step)(); !done)
                return done;
        return schema >= 2 ? read_counters() : Status{};
    }

    Status read_kernels(const Database &database) {
        return fill_from(database, tables::kKernels, session_.kernels, false, [this](RowReader &row) {
            KernelRecord k;
            read_span(row, k);
            k.name = name(row);
            k.correlation = row.count<std::uint32_t>();
            k.device = row.count<std::uint32_t>();
            k.stream = row.count<std::uint32_t>();
            k.tag = tag(row);
            for (std::int32_t &size : k.grid)
                size = row.count<std::int32_t>();
            for (std::int32_t &size : k.block)
                size = row.count<std::int32_t>();
            k.registers = row.count<std::int32_t>();
            k.static_smem_bytes = row.count<std::int32_t>();
            k.dynamic_smem_bytes = row.count<std::int32_t>();
            k.local_bytes_per_thread = row.count<std::int32_t>();
            k.theoretical_occupancy = float(row.number());
            return k;
        });
    }

    Status read_calls(const Database &database) {
        return fill_from(database, tables::kApiCalls, session_.api_calls, false, [this](RowReader &row) {
            ApiRecord a;
            read_span(row, a);
            a.name = name(row);
            a.correlation = row.count<std::uint32_t>();
            a.process = row.count<std::uint32_t>();
            a.thread = row.count<std::uint32_t>();
            a.tag = tag(row);
            return a;
        });
    }

    Status read_copies() {
        return fill(tables::kCopies, session_.copies, false, [this](RowReader &row) {
            CopyRecord c;
            read_span(row, c);
            c.bytes = row.count<std::int64_t>();
            c.correlation = row.count<std::uint32_t>();
            c.device = row.count<std::uint32_t>();
            c.stream = row.count<std::uint32_t>();
            c.kind = row.choice(CopyRecord::Kind::Other);
            c.tag = tag(row);
            return c;
        });
    }

    Status read_memory() {
        constexpr std::int64_t kMostBytes = std::int64_t{1}
                                            << 42; // so that a ledger's sum cannot overflow
        // Files of schema 1, and the first ones of 2, do not say the run.
        const bool with_run = bool(Statement::prepare(database_, tables::kMemory.select(), "read"));
        const TableSchema &table = with_run ? tables::kMemory : tables::kMemoryWithoutRun;
        return fill(table, session_.memory, false, [this, with_run](RowReader &row) {
            MemoryRecord m;
            m.time_ns = row.time_ns();
            m.bytes = row.integer<std::int64_t>(-kMostBytes, kMostBytes);
            m.address =
                std::uint64_t(row.integer<std::int64_t>(std::numeric_limits<std::int64_t>::min(),
                                                        std::numeric_limits<std::int64_t>::max()));
            m.label = name(row);
            m.tag = tag(row);
            if (with_run)
                m.run = row.id<RunId>(session_.runs.size());
            return m;
        });
    }

    Status read_overheads() {
        return fill(tables::kOverheads, session_.overheads, false, [this](RowReader &row) {
            OverheadRecord o;
            read_span(row, o);
            o.kind = name(row);
            return o;
        });
    }

    // Everything of schema 2.
    Status read_counters() {
        Status done = fill(tables::kCounters, session_.counters, false, [this](RowReader &row) {
            CounterRecord c;
            c.measurement = row.id<MeasurementId>(session_.measurements.size());
            c.kernel = row.integer<std::int32_t>(-1, std::numeric_limits<std::int32_t>::max());
            c.range = name(row);
            c.metric = name(row);
            c.value = row.number();
            return c;
        });
        if (done)
            done = fill(tables::kPmSamples, session_.pm_samples, false, [this](RowReader &row) {
                PmSampleRecord s;
                s.run = run(row);
                read_span(row, s);
                s.device = row.count<std::uint32_t>();
                s.metric = name(row);
                s.value = row.number();
                return s;
            });
        if (done)
            done = fill(tables::kDeviceStates, session_.device_states, false, [this](RowReader &row) {
                DeviceStateRecord s;
                s.run = run(row);
                s.time_ns = row.time_ns();
                s.device = row.count<std::uint32_t>();
                for (std::int32_t *field : {&s.sm_clock_mhz, &s.memory_clock_mhz, &s.temperature_c})
                    *field = row.count<std::int32_t>();
                s.power_w = row.number();
                s.clock_event_reasons = row.count<std::uint64_t>();
                return s;
            });
        if (done)
            done = fill(tables::kPcSamples, session_.pc_samples, false, [this](RowReader &row) {
                PcSampleRecord s;
                s.measurement = row.id<MeasurementId>(session_.measurements.size());
                s.kernel = name(row);
                s.pc_offset = row.count<std::uint64_t>();
                s.file = name(row);
                s.line = row.count<std::int32_t>();
                s.stall = name(row);
                s.samples = row.count<std::uint64_t>();
                return s;
            });
        return done;
    }

    Status read_failures() {
        return fill(tables::kFailures, session_.failures, false, [this](RowReader &row) {
            Failure f;
            f.time_ns = row.time_ns();
            f.run = row.id<RunId>(session_.runs.size());
            f.where = row.text();
            f.error.what = row.text();
            f.error.why = row.text();
            f.error.remedy = row.text();
            return f;
        });
    }

    Database database_;
    std::vector<Database> others_;
    Session session_;
};

// Takes nothing on trust, and begins one transaction: all tables as of the same moment, even while a
// run is writing.
Status begin(const Database &database) {
    sqlite3 *handle = database.handle();
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kLongestValueBytes);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (sqlite3_exec(handle, "PRAGMA cell_size_check = ON; BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK)
        return database.error("read");
    return {};
}

// A file with a write-ahead log may grow between one connection's beginning and another's. In one
// without, nobody can write while the first connection reads.
bool may_grow(const Database &database) {
    auto statement = Statement::prepare(database, "PRAGMA journal_mode", "read");
    if (!statement || !statement->step())
        return true;
    const auto *mode = reinterpret_cast<const char *>(sqlite3_column_text(statement->handle(), 0));
    return !mode || std::string_view(mode) == "wal";
}

std::vector<Database> more_connections(const Database &database) {
    std::vector<Database> others;
    while (!may_grow(database) && others.size() < Reader::kOthers) {
        auto another = Database::open(database.path(), sqlite::Access::ReadOnly);
        if (!another || !begin(*another))
            return {};
        others.push_back(std::move(*another));
    }
    return others;
}

// The error as a person meets it: the file first, then what is wrong inside, then what could be
// read.
Error explain(const std::filesystem::path &path, const Error &inner, const Session &read) {
    if (inner.what == fmt::format("{} cannot be read", path.string()))
        return inner; // not the file's fault: locked, no permission, a failing disk
    std::string why = inner.what;
    if (inner.what.starts_with(path.string()))
        why = inner.why;
    else if (!inner.why.empty())
        why += ", " + inner.why;
    why += fmt::format(" (read before that: {} runs, {} measurements, {} kernels)",
                       read.runs.size(), read.measurements.size(), read.kernels.size());
    return {fmt::format("{} is damaged or was made by something else", path.string()),
            std::move(why), "open an undamaged copy of it"};
}

} // namespace

Result<Session> read_session(const std::filesystem::path &path) {
    if (Status is_session = check_session_file(path); !is_session)
        return is_session.error();
    auto database = Database::open(path, sqlite::Access::ReadOnly);
    if (!database)
        return explain(path, database.error(), {});
    if (const Status begun = begin(*database); !begun)
        return explain(path, begun.error(), {});
    const Result<std::uint32_t> schema = schema_of(*database);
    if (!schema)
        return explain(path, schema.error(), {});
    if (Status known = check_tables(*database, *schema); !known)
        return explain(path, known.error(), {});
    std::vector<Database> others = more_connections(*database);
    Reader reader(std::move(*database), std::move(others));
    if (Status read = reader.read(*schema); !read)
        return explain(path, read.error(), reader.so_far());
    Session session = reader.take();
    session.path = path.string();
    session.origin = Origin::Recorded;
    session.version = 1;
    return session;
}

} // namespace moescope
