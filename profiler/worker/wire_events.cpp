#include "profiler/worker/wire_events.h"

#include "profiler/base/clock.h"
#include "profiler/protocol/framing.h"
#include "profiler/protocol/record_columns.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

namespace {

constexpr std::size_t kRecordsPerMessage = 16384; // a megabyte or two

// Calls send(part) for consecutive parts of records.
template <typename Record, typename Send> void in_parts(const std::vector<Record> &records, Send send) {
    const std::span<const Record> all(records);
    for (std::size_t at = 0; at < all.size(); at += kRecordsPerMessage)
        send(all.subspan(at, std::min(kRecordsPerMessage, all.size() - at)));
}

} // namespace

void MessageWriter::write(const wire::FromWorker &message) {
    const Result<std::string> framed = frame(message.SerializeAsString());
    if (!framed) {
        std::fprintf(stderr, "moescope-worker: %s\n", framed.error().sentence().c_str());
        return;
    }
    const std::lock_guard lock(mutex_);
    std::string_view rest = *framed;
    while (!rest.empty()) {
        const ssize_t written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno != EINTR)
            std::_Exit(EXIT_SUCCESS);
        rest.remove_prefix(written > 0 ? std::size_t(written) : 0);
    }
}

void WireEvents::run_started(const DeviceInfo &device) {
    wire::FromWorker message;
    message.mutable_run_started()->set_request(request_);
    message.mutable_run_started()->set_started_ns(now_ns());
    to_wire(device, message.mutable_run_started()->mutable_device());
    writer_.write(message);
}

void WireEvents::finish(RunRecord::State state) {
    wire::FromWorker message;
    message.mutable_run_finished()->set_request(request_);
    message.mutable_run_finished()->set_state(to_wire(state));
    message.mutable_run_finished()->set_finished_ns(now_ns());
    writer_.write(message);
}

void WireEvents::metrics(std::uint64_t request, const MetricsAnswer &answer) {
    wire::FromWorker message;
    to_wire(answer, message.mutable_metrics());
    message.mutable_metrics()->set_request(request);
    writer_.write(message);
}

void WireEvents::measurement(std::uint32_t item, const Measurement &measurement) {
    wire::FromWorker message;
    message.mutable_measurement()->set_request(request_);
    message.mutable_measurement()->set_item(item);
    to_wire(measurement, message.mutable_measurement()->mutable_measurement());
    writer_.write(message);
}

void WireEvents::candidate(std::uint32_t number, const Candidate &candidate) {
    wire::FromWorker message;
    message.mutable_candidate()->set_request(request_);
    message.mutable_candidate()->set_number(number);
    to_wire(candidate, message.mutable_candidate()->mutable_candidate());
    writer_.write(message);
}

void WireEvents::routing(const RoutingRecord &record) {
    wire::FromWorker message;
    message.mutable_routing()->set_request(request_);
    to_wire(record, message.mutable_routing()->mutable_routing());
    writer_.write(message);
}

void WireEvents::send_new_names() {
    const std::vector<std::string> &all = names_.all();
    if (names_sent_ == all.size())
        return;
    wire::FromWorker message;
    message.mutable_names()->set_first(std::uint32_t(names_sent_));
    for (; names_sent_ < all.size(); ++names_sent_)
        message.mutable_names()->add_names(all[names_sent_]);
    writer_.write(message);
}

void WireEvents::records(const CaptureBatch &batch) {
    send_new_names();
    auto send = [this](auto part, auto *(wire::Records::*columns)()) {
        wire::FromWorker message;
        message.mutable_records()->set_request(request_);
        to_wire(part, (message.mutable_records()->*columns)());
        writer_.write(message);
    };
    in_parts(batch.kernels, [&](auto part) { send(part, &wire::Records::mutable_kernels); });
    in_parts(batch.api_calls, [&](auto part) { send(part, &wire::Records::mutable_api_calls); });
    in_parts(batch.copies, [&](auto part) { send(part, &wire::Records::mutable_copies); });
    in_parts(batch.memory, [&](auto part) { send(part, &wire::Records::mutable_memory); });
    in_parts(batch.overheads, [&](auto part) { send(part, &wire::Records::mutable_overheads); });
    in_parts(batch.counters, [&](auto part) { send(part, &wire::Records::mutable_counters); });
    in_parts(batch.pm_samples, [&](auto part) { send(part, &wire::Records::mutable_pm_samples); });
    in_parts(batch.device_states, [&](auto part) { send(part, &wire::Records::mutable_device_states); });
    in_parts(batch.pc_samples, [&](auto part) { send(part, &wire::Records::mutable_pc_samples); });
    if (batch.dropped == 0)
        return;
    wire::FromWorker message;
    message.mutable_records()->set_request(request_);
    message.mutable_records()->set_dropped(batch.dropped);
    writer_.write(message);
}

void WireEvents::progress(const std::string &doing, double fraction) {
    wire::FromWorker message;
    message.mutable_progress()->set_request(request_);
    message.mutable_progress()->set_doing(doing);
    message.mutable_progress()->set_fraction(fraction);
    writer_.write(message);
}

void WireEvents::failure(const std::string &where, const Error &error) {
    wire::FromWorker message;
    message.mutable_failure()->set_request(request_);
    message.mutable_failure()->set_time_ns(now_ns());
    message.mutable_failure()->set_where(where);
    to_wire(error, message.mutable_failure()->mutable_error());
    writer_.write(message);
}

void WireEvents::log(const std::string &text) {
    wire::FromWorker message;
    message.mutable_log()->set_text(text);
    writer_.write(message);
}

} // namespace moescope
