#include "profiler/worker/service.h"

#include "profiler/protocol/codec.h"
#include "profiler/tune/known_ceilings.h"
#include "profiler/worker/metric_answers.h"
#include "profiler/worker/request_reader.h"
#include "profiler/worker/runner.h"
#include "profiler/worker/source_answers.h"
#include "profiler/worker/wire_events.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace moescope {

namespace {

class Service {
  public:
    Service(int input_fd, int output_fd, int lifeline_seconds)
        : requests_(input_fd, lifeline_seconds), writer_(output_fd) {}

    int run() {
        while (true) {
            const wire::ToWorker request = requests_.next();
            if (request.has_hello())
                greet();
            else if (request.has_metrics())
                events_.metrics(request.metrics().request(), answer_metrics(from_wire(request.metrics())));
            else if (request.has_source())
                show_source(request.source());
            else if (request.has_run() && !carry_out(request.run()))
                return EXIT_FAILURE;
            else if (request.has_ceilings())
                measure_ceilings(request.ceilings());
        }
    }

  private:
    void greet() {
        wire::FromWorker hello;
        hello.mutable_hello()->set_protocol_version(kProtocolVersion);
        hello.mutable_hello()->set_build_version(MOESCOPE_VERSION);
        writer_.write(hello);
        wire::FromWorker devices;
        devices.mutable_devices();
        for (DeviceInfo &device : list_devices()) {
            device.ceilings = with_measured(device.ceilings, known_.find(device));
            to_wire(device, devices.mutable_devices()->add_devices());
        }
        writer_.write(devices);
        for (const std::string &complaint : {tuned_.complaint(), known_.complaint()})
            if (!complaint.empty())
                events_.log(complaint);
    }

    // False when the device is lost.
    bool carry_out(const wire::RunRequest &request) {
        events_.begin(request.request());
        if (requests_.cancelled()) {
            events_.finish(RunRecord::State::Cancelled);
            return true;
        }
        Decoding decoding;
        Plan plan = from_wire(request.plan(), decoding);
        if (!decoding.ok())
            return refuse("plan", decoding.status().error());
        if (const Status valid = validate(plan); !valid)
            return refuse("plan", valid.error());
        if (const Status opened = open(plan.device); !opened)
            return refuse("device", opened.error());
        plan.device = device_->info().id; // auto may have become the CPU, where less is allowed
        if (const Status valid = validate(plan); !valid)
            return refuse("plan", valid.error());
        try {
            const RunOutcome outcome = run_plan(*device_, plan, events_, tuned_, requests_.cancelled());
            if (outcome.device_lost) {
                std::fprintf(stderr, "moescope-worker: %s\n", outcome.error.sentence().c_str());
                return false;
            }
            events_.finish(outcome.state);
        } catch (const std::bad_alloc &) {
            return refuse("worker", {"the worker ran out of memory", "this run's inputs on the host are too large",
                                     "choose fewer tokens or a smaller model"});
        }
        return true;
    }

    bool refuse(const std::string &where, const Error &error) {
        events_.failure(where, error);
        events_.finish(RunRecord::State::Failed);
        return true;
    }

    // Devices stay open between runs: a context takes longer to make than most runs. One at a time.
    Status open(const std::string &id) {
        const std::string wanted = id == "auto" ? list_devices().front().id : id;
        if (device_ && device_->info().id == wanted)
            return {};
        device_.reset();
        Result<std::unique_ptr<Device>> opened = open_device(wanted, names_);
        if (!opened)
            return opened.error();
        device_ = std::move(*opened);
        device_->set_ceilings(with_measured(device_->info().ceilings, known_.find(device_->info())));
        return {};
    }

    void show_source(const wire::SourceRequest &request) {
        Decoding decoding;
        const SourceRequest wanted = from_wire(request, decoding);
        SourceAnswer answer;
        if (decoding.ok())
            answer = answer_source(wanted);
        else
            answer.error = decoding.status().error();
        wire::FromWorker message;
        to_wire(answer, message.mutable_source());
        message.mutable_source()->set_request(request.request());
        writer_.write(message);
    }

    void measure_ceilings(const wire::CeilingsRequest &request) {
        wire::FromWorker answer;
        wire::CeilingsMeasured &measured = *answer.mutable_ceilings();
        measured.set_request(request.request());
        measured.set_device(request.device());
        Status status = open(request.device());
        if (status) {
            status = device_->measure_ceilings();
            if (const Status kept = known_.store(device_->info()); !kept)
                events_.log(kept.error().sentence());
            measured.set_device(device_->info().id);
            to_wire(device_->info().ceilings, measured.mutable_ceilings());
        }
        if (!status)
            to_wire(status.error(), measured.mutable_error());
        writer_.write(answer);
    }

    RequestReader requests_;
    MessageWriter writer_;
    NameTable names_;
    WireEvents events_{writer_, names_};
    std::unique_ptr<Device> device_;
    TunedConfigs tuned_{TunedConfigs::default_path()};
    KnownCeilings known_{KnownCeilings::default_path()};
};

} // namespace

int serve(int input_fd, int output_fd, int lifeline_seconds) {
    return Service(input_fd, output_fd, lifeline_seconds).run();
}

} // namespace moescope
