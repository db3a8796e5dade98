#include "profiler/compare/comparison.h"

#include "profiler/base/units.h"
#include "profiler/explain/counters.h"
#include "profiler/session/record_names.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <set>

namespace moescope {

namespace {

using State = Measurement::State;

// The measurements of one side, the last of each key alone.
class SideRows {
  public:
    SideRows(const ComparedSide &side, const CompareOptions &options) : side_(side) {
        for (std::uint32_t i = 0; i < side.session.measurements.size(); ++i)
            if (takes(side.session.measurements[i], options))
                add({i});
    }

    struct Row {
        MeasurementId id;
        bool matched = false;
    };
    std::vector<Row> &rows() { return rows_; }
    const Measurement &at(MeasurementId id) const { return side_.session.measurements[id.value]; }
    const RunRecord &run_of(MeasurementId id) const {
        return side_.session.runs[at(id).run.value];
    }
    const Workload &workload_of(MeasurementId id) const { return run_of(id).plan.workload; }
    // Whether its rows are of one run.
    bool single_run() const {
        return std::all_of(rows_.begin(), rows_.end(), [&](const Row &row) {
            return at(row.id).run == at(rows_.front().id).run;
        });
    }
    bool names_variant() const { return !side_.variant.empty(); }

  private:
    bool takes(const Measurement &m, const CompareOptions &options) const {
        const auto in = [](const auto &list, const auto &value) {
            return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
        };
        return m.run.value < side_.session.runs.size() && in(side_.runs, m.run) &&
               in(options.operators, m.op) && (side_.variant.empty() || m.variant == side_.variant) &&
               (m.state == State::Done || m.state == State::Failed);
    }
    // A later measurement of the same key replaces the earlier one, unless it failed.
    void add(MeasurementId id) {
        const auto same = std::find_if(rows_.begin(), rows_.end(), [&](const Row &row) {
            const Measurement &m = at(row.id), &next = at(id);
            return m.op == next.op && m.variant == next.variant && m.cache == next.cache &&
                   workload_of(row.id) == workload_of(id);
        });
        if (same == rows_.end())
            rows_.push_back({id});
        else if (at(id).state == State::Done || at(same->id).state != State::Done)
            same->id = id;
    }

    const ComparedSide &side_;
    std::vector<Row> rows_;
};

// How much of a row's key may differ.
enum class Within { Exact, Seed, Model, OperatorAlone };

bool alike(const Workload &a, const Workload &b, Within within) {
    if (within == Within::OperatorAlone)
        return true;
    Workload relaxed = b;
    relaxed.model.name = a.model.name;
    relaxed.model.source = a.model.source;
    if (within != Within::Exact)
        relaxed.seed = a.seed;
    if (within == Within::Model)
        relaxed.model = a.model;
    return relaxed == a;
}

// Counters of each measurement's whole repetition.
class Counters {
  public:
    explicit Counters(const Session &session) : session_(session) { counters_->update(session); }
    std::map<std::string, double> of(MeasurementId id) const { // by name
        std::map<std::string, double> values;
        if (const CounterRange *whole = counters_->whole(id))
            for (const CounterRange::Value &value : whole->values)
                values[std::string(session_.name(value.metric))] = value.value;
        return values;
    }

  private:
    const Session &session_;
    std::shared_ptr<CountersByMeasurement> counters_ = std::make_shared<CountersByMeasurement>();
};

std::vector<ComparedQuantity> quantities(const Measurement &a, const Measurement &b,
                                         const std::map<std::string, double> &a_counters,
                                         const std::map<std::string, double> &b_counters) {
    std::vector<ComparedQuantity> found;
    // A peak of nothing was not measured; a workspace of nothing is none.
    const auto peak = [](const Measurement &m) {
        return m.peak_bytes > 0 ? std::optional(double(m.peak_bytes)) : std::nullopt;
    };
    if (peak(a) || peak(b))
        found.push_back({"peak memory", peak(a), peak(b), true});
    found.push_back({"workspace", double(a.workspace_bytes), double(b.workspace_bytes), true});
    std::set<std::string> names;
    for (const auto *counters : {&a_counters, &b_counters})
        for (const auto &[name, value] : *counters)
            names.insert(name);
    const auto value_of = [](const std::map<std::string, double> &counters, const std::string &name) {
        const auto at = counters.find(name);
        return at == counters.end() ? std::nullopt : std::optional(at->second);
    };
    for (const std::string &name : names)
        found.push_back({name, value_of(a_counters, name), value_of(b_counters, name),
                         name.find("__bytes") != std::string::npos && name.ends_with(".sum")});
    return found;
}

class Comparer {
  public:
    Comparer(const ComparedSide &a, const ComparedSide &b, const CompareOptions &options)
        : a_(a, options), b_(b, options), a_counters_(a.session),
          b_counters_(&a.session == &b.session ? a_counters_ : Counters(b.session)) {
        result_.threshold = options.threshold;
    }

    Comparison run() {
        match_all();
        for (const auto &[a, b] : matched_)
            add_row(a, b);
        add_unmatched(a_, b_, true);
        add_unmatched(b_, a_, false);
        tell_apart();
        order();
        count();
        return std::move(result_);
    }

  private:
    void match_all() {
        for (const Within within : {Within::Exact, Within::Seed, Within::Model})
            match(within);
        if (a_.single_run() && b_.single_run())
            match(Within::OperatorAlone);
    }
    void match(Within within) {
        for (SideRows::Row &a : a_.rows())
            for (SideRows::Row &b : b_.rows()) {
                if (a.matched || b.matched || !belong(a.id, b.id, within))
                    continue;
                a.matched = b.matched = true;
                if (a_.at(a.id).state == State::Done && b_.at(b.id).state == State::Done)
                    matched_.push_back({a.id, b.id});
                else
                    failed(a.id, b.id);
            }
    }
    bool belong(MeasurementId a, MeasurementId b, Within within) const {
        const Measurement &first = a_.at(a), &second = b_.at(b);
        const bool one_variant = first.variant == second.variant ||
                                 (a_.names_variant() && b_.names_variant());
        const bool one_cache = first.cache == second.cache || within == Within::OperatorAlone;
        return first.op == second.op && one_variant && one_cache &&
               alike(a_.workload_of(a), b_.workload_of(b), within);
    }
    // One side has a time, the other only a failure; two failures are no news.
    void failed(MeasurementId a, MeasurementId b) {
        const bool in_a = a_.at(a).state == State::Done;
        if (!in_a && b_.at(b).state != State::Done)
            return;
        const Measurement &broken = in_a ? b_.at(b) : a_.at(a);
        result_.unmatched.push_back({in_a ? a : b, in_a,
                                     fmt::format("it failed in {}: {}", in_a ? "B" : "A",
                                                 broken.failure.sentence()),
                                     true});
    }
    void add_row(MeasurementId a, MeasurementId b) {
        const Measurement &first = a_.at(a), &second = b_.at(b);
        ComparedRow row{.a = a, .b = b, .op = first.op, .a_variant = first.variant, .b_variant = second.variant};
        row.time = judge(first, second, result_.threshold);
        row.differences = differences(a_.workload_of(a), b_.workload_of(b));
        if (first.cache != second.cache)
            row.differences.push_back({"L2", name_of(first.cache), name_of(second.cache)});
        if (first.config != second.config)
            row.differences.push_back({"tile", first.config.text(), second.config.text()});
        row.quantities = quantities(first, second, a_counters_.of(a), b_counters_.of(b));
        for (Difference &each : differences(a_.run_of(a).device, b_.run_of(b).device))
            if (std::find(result_.devices.begin(), result_.devices.end(), each) == result_.devices.end())
                result_.devices.push_back(std::move(each));
        result_.rows.push_back(std::move(row));
    }
    void add_unmatched(SideRows &here, SideRows &there, bool in_a) {
        for (const SideRows::Row &row : here.rows())
            if (!row.matched && here.at(row.id).state == State::Done)
                result_.unmatched.push_back({row.id, in_a, reason_of(here, there, row.id, in_a), false});
    }
    std::string reason_of(SideRows &here, SideRows &there, MeasurementId id, bool in_a) {
        const char *other = in_a ? "B" : "A";
        const Measurement &m = here.at(id);
        const bool has_operator = std::any_of(
            there.rows().begin(), there.rows().end(), [&](const SideRows::Row &row) {
                return there.at(row.id).op == m.op && there.at(row.id).variant == m.variant;
            });
        return has_operator ? fmt::format("{} has it for other workloads only", other)
                            : fmt::format("{} has not measured it", other);
    }
    // Rows of several workloads say which one theirs is.
    void tell_apart() {
        std::vector<Difference> varying; // from the first row's workload, by what
        const auto apart = [&](const ComparedRow &row) {
            return differences(a_.workload_of(result_.rows.front().a), a_.workload_of(row.a));
        };
        for (const ComparedRow &row : result_.rows)
            for (const Difference &each : apart(row))
                if (!find(varying, each.what))
                    varying.push_back(each);
        for (ComparedRow &row : result_.rows) {
            const std::vector<Difference> own = apart(row);
            for (const Difference &each : varying) {
                const Difference *changed = find(own, each.what);
                row.where += fmt::format("{}{} {}", row.where.empty() ? "" : ", ", each.what,
                                         changed ? changed->b : each.a);
            }
        }
    }
    static const Difference *find(const std::vector<Difference> &list, const std::string &what) {
        const auto found = std::find_if(list.begin(), list.end(),
                                        [&](const Difference &each) { return each.what == what; });
        return found == list.end() ? nullptr : &*found;
    }
    void order() {
        const auto place = [](const ComparedRow &row) {
            constexpr int kPlaces[] = {0, 1, 3, 2}; // slower, faster, same, unclear
            return kPlaces[int(row.time.change)];
        };
        const auto size = [](const ComparedRow &row) {
            return row.time.ratio ? std::fabs(std::log(row.time.ratio->ratio)) : 0;
        };
        std::stable_sort(result_.rows.begin(), result_.rows.end(),
                         [&](const ComparedRow &x, const ComparedRow &y) {
                             return place(x) != place(y) ? place(x) < place(y) : size(x) > size(y);
                         });
    }
    void count() {
        double logs = 0;
        int known = 0;
        for (const ComparedRow &row : result_.rows) {
            int *counts[] = {&result_.slower, &result_.faster, &result_.same, &result_.unclear};
            ++*counts[int(row.time.change)];
            if (!row.time.ratio)
                continue;
            logs += std::log(row.time.ratio->ratio);
            ++known;
        }
        result_.geometric_mean = known > 0 ? std::exp(logs / known) : 1;
    }

    SideRows a_, b_;
    Counters a_counters_, b_counters_;
    std::vector<std::pair<MeasurementId, MeasurementId>> matched_;
    Comparison result_;
};

} // namespace

bool Comparison::regressed() const {
    return slower > 0 || std::any_of(unmatched.begin(), unmatched.end(), [](const Unmatched &each) {
               return each.failed && each.in_a;
           });
}

std::vector<Difference> shared_differences(const Comparison &comparison) {
    std::vector<Difference> shared;
    if (comparison.rows.size() > 1)
        shared = comparison.rows.front().differences;
    for (const ComparedRow &row : comparison.rows)
        std::erase_if(shared, [&](const Difference &each) {
            return std::find(row.differences.begin(), row.differences.end(), each) == row.differences.end();
        });
    return shared;
}

std::vector<Difference> own_differences(const ComparedRow &row, const std::vector<Difference> &shared) {
    std::vector<Difference> own = row.differences;
    std::erase_if(own, [&](const Difference &each) {
        return std::find(shared.begin(), shared.end(), each) != shared.end();
    });
    return own;
}

Comparison compare_sessions(const ComparedSide &a, const ComparedSide &b, const CompareOptions &options) {
    return Comparer(a, b, options).run();
}

std::string summary_of(const Comparison &comparison) {
    if (comparison.rows.empty())
        return "Nothing was measured in both";
    return fmt::format("{} slower, {} faster, {} the same, {} unclear; geometric mean {:.3f}×",
                       comparison.slower, comparison.faster, comparison.same, comparison.unclear,
                       comparison.geometric_mean);
}

} // namespace moescope
