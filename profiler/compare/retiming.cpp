#include "profiler/compare/retiming.h"

#include "profiler/stats/agreement.h"

#include <fmt/format.h>

namespace moescope {

namespace {

Retiming::Result result_of(const Measurement &edited, double limit) {
    if (edited.reference.empty())
        return Retiming::Result::NotChecked;
    if (edited.relative_error == 0)
        return Retiming::Result::Equal;
    return edited.relative_error <= limit ? Retiming::Result::Agrees : Retiming::Result::Wrong;
}

std::string words_of(Retiming::Result result, const Measurement &edited, double limit) {
    switch (result) {
    case Retiming::Result::NotChecked:
        return "Its result was not checked.";
    case Retiming::Result::Equal:
        return fmt::format("Its result equals that of {}.", edited.reference);
    case Retiming::Result::Agrees:
        return fmt::format("Its result agrees with that of {}: {:.1e} apart.", edited.reference, edited.relative_error);
    case Retiming::Result::Wrong:
        return fmt::format("Its result is wrong: {:.1e} from that of {}, and rounding explains {:.0e}.", edited.relative_error,
                           edited.reference, limit);
    }
    return "";
}

bool done(const Measurement &m) { return m.state == Measurement::State::Done; }

void conclude(const Session &session, Retiming &retiming) {
    const Measurement &a = session.measurements[retiming.original.value], &b = session.measurements[retiming.edited.value];
    retiming.done = done(a) && done(b);
    if (!retiming.done) {
        const Measurement &m = done(a) ? b : a;
        const char *which = done(a) ? "edited kernel" : "original";
        retiming.sentence = m.state == Measurement::State::Failed
                                ? fmt::format("The {} failed: {}", which, m.failure.sentence())
                                : fmt::format("The {} was not timed to the end.", which);
        return;
    }
    const double limit = agreement_limit(session.runs[b.run.value].plan.workload.model.dtype);
    retiming.result = result_of(b, limit);
    retiming.time = judge(a, b, kDefaultThreshold);
    retiming.sentence = fmt::format("{} {} (A: the original, B: the edited)", words_of(retiming.result, b, limit),
                                    retiming.time.reason);
}

} // namespace

const char *name_of(Retiming::Result result) {
    constexpr const char *kNames[] = {"not checked", "equal", "agrees", "wrong"};
    return kNames[int(result)];
}

std::optional<Retiming> retiming_of(const Session &session, RunId run) {
    std::optional<Retiming> found;
    for (std::uint32_t b = 0; b < session.measurements.size(); ++b) {
        const Measurement &edited = session.measurements[b];
        if (edited.run != run || !is_edited(edited.variant))
            continue;
        for (std::uint32_t a = 0; a < session.measurements.size(); ++a) {
            const Measurement &m = session.measurements[a];
            if (m.run == run && m.op == edited.op && m.variant == plain_variant(edited.variant))
                found = Retiming{.original = {a}, .edited = {b}};
        }
    }
    if (found)
        conclude(session, *found);
    return found;
}

} // namespace moescope
