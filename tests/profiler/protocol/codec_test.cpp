// Every field of every message survives the way there and back. Reflection sets each one, and sees
// one that is forgotten.
#include "profiler/protocol/codec.h"
#include "profiler/protocol/record_columns.h"

#include <catch2/catch_test_macros.hpp>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>

#include <string>

using namespace moescope;
namespace pb = google::protobuf;

namespace {

// Gives every field its own value; enums their last one; repeated fields `length` entries.
class Filler {
  public:
    void fill(pb::Message &message, int length = 2) {
        const pb::Descriptor &type = *message.GetDescriptor();
        for (int i = 0; i < type.field_count(); ++i)
            for (int copy = 0; copy < (type.field(i)->is_repeated() ? length : 1); ++copy)
                set(message, *type.field(i), length);
    }

  private:
    template <typename Value>
    void put(pb::Message &message, const pb::FieldDescriptor &field, Value value,
             void (pb::Reflection::*one)(pb::Message *, const pb::FieldDescriptor *, Value) const,
             void (pb::Reflection::*more)(pb::Message *, const pb::FieldDescriptor *, Value) const) {
        const pb::Reflection &reflection = *message.GetReflection();
        (reflection.*(field.is_repeated() ? more : one))(&message, &field, value);
    }

    void set(pb::Message &message, const pb::FieldDescriptor &field, int length) {
        using R = pb::Reflection;
        const int number = ++next_;
        switch (field.cpp_type()) {
        case pb::FieldDescriptor::CPPTYPE_INT32:
            return put<std::int32_t>(message, field, number, &R::SetInt32, &R::AddInt32);
        case pb::FieldDescriptor::CPPTYPE_INT64:
            return put<std::int64_t>(message, field, (1LL << 40) + number, &R::SetInt64, &R::AddInt64);
        case pb::FieldDescriptor::CPPTYPE_UINT32:
            return put<std::uint32_t>(message, field, std::uint32_t(number), &R::SetUInt32, &R::AddUInt32);
        case pb::FieldDescriptor::CPPTYPE_UINT64:
            return put<std::uint64_t>(message, field, (1ULL << 40) + std::uint64_t(number), &R::SetUInt64, &R::AddUInt64);
        case pb::FieldDescriptor::CPPTYPE_DOUBLE:
            return put<double>(message, field, number + 0.25, &R::SetDouble, &R::AddDouble);
        case pb::FieldDescriptor::CPPTYPE_FLOAT:
            return put<float>(message, field, float(number) + 0.5f, &R::SetFloat, &R::AddFloat);
        case pb::FieldDescriptor::CPPTYPE_BOOL:
            return put<bool>(message, field, true, &R::SetBool, &R::AddBool);
        case pb::FieldDescriptor::CPPTYPE_ENUM:
            return put<int>(message, field, field.enum_type()->value_count() - 1, &R::SetEnumValue, &R::AddEnumValue);
        case pb::FieldDescriptor::CPPTYPE_STRING:
            return put<std::string>(message, field, field.name() == "op" ? "down" : "text " + std::to_string(number),
                                    &R::SetString, &R::AddString);
        case pb::FieldDescriptor::CPPTYPE_MESSAGE:
            return fill(field.is_repeated() ? *message.GetReflection()->AddMessage(&message, &field)
                                            : *message.GetReflection()->MutableMessage(&message, &field),
                        length);
        }
    }

    int next_ = 0;
};

std::string differences(const pb::Message &a, const pb::Message &b) {
    std::string report;
    pb::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&report);
    differencer.Compare(a, b);
    return report;
}

template <typename Value, typename Message> void check_round_trip() {
    Message there, back;
    Filler().fill(there);
    Decoding decoding;
    Value value;
    if constexpr (requires { from_wire(there, decoding); })
        value = from_wire(there, decoding);
    else
        value = from_wire(there);
    CHECK(decoding.ok());
    to_wire(value, &back);
    CHECK(differences(there, back) == "");
}

// Columns: grid and block hold three values a record.
template <typename Columns> Columns filled_columns() {
    Columns columns;
    Filler().fill(columns, 2);
    if constexpr (requires { columns.grid(); })
        for (int i = 0; i < 4; ++i) {
            columns.add_grid(i);
            columns.add_block(10 + i);
        }
    return columns;
}

template <typename Columns> void check_columns() {
    const Columns there = filled_columns<Columns>();
    Decoding decoding;
    const auto records = from_wire(there, decoding);
    REQUIRE(decoding.ok());
    REQUIRE(records.size() == 2);
    Columns back;
    to_wire(std::span(records), &back);
    CHECK(differences(there, back) == "");
}

} // namespace

TEST_CASE("every field of every value survives the protocol") {
    check_round_trip<Error, wire::Error>();
    check_round_trip<ModelShape, wire::ModelShape>();
    check_round_trip<Workload, wire::Workload>();
    check_round_trip<TileConfig, wire::TileConfig>();
    check_round_trip<PlanItem, wire::PlanItem>();
    check_round_trip<Plan, wire::Plan>();
    check_round_trip<DeviceInfo, wire::DeviceInfo>();
    check_round_trip<Summary, wire::Summary>();
    check_round_trip<Measurement, wire::Measurement>();
    check_round_trip<Candidate, wire::Candidate>();
    check_round_trip<RoutingRecord, wire::Routing>();
}

TEST_CASE("every column of every record survives the protocol") {
    check_columns<wire::KernelColumns>();
    check_columns<wire::ApiColumns>();
    check_columns<wire::CopyColumns>();
    check_columns<wire::MemoryColumns>();
    check_columns<wire::OverheadColumns>();
    check_columns<wire::CounterColumns>();
    check_columns<wire::PmSampleColumns>();
    check_columns<wire::DeviceStateColumns>();
    check_columns<wire::PcSampleColumns>();
}

TEST_CASE("columns of unequal length are refused, whichever it is") {
    const auto good = filled_columns<wire::KernelColumns>();
    const pb::Descriptor &type = *good.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
        if (!type.field(i)->is_repeated())
            continue;
        INFO(type.field(i)->name());
        wire::KernelColumns bad = good;
        bad.GetReflection()->RemoveLast(&bad, type.field(i));
        Decoding decoding;
        CHECK(from_wire(bad, decoding).empty());
        CHECK_FALSE(decoding.ok());
    }
}

TEST_CASE("the protocol's enums stand in the order of the structs'") {
    CHECK(int(wire::BF16) == int(DType::BF16));
    CHECK(int(wire::SQRT_SOFTPLUS) == int(RouterKind::SqrtSoftplus));
    CHECK(int(wire::SIGMOID) == int(RouterKind::Sigmoid));
    CHECK(int(wire::RENORM_CLAMP) == int(Renorm::Clamp));
    CHECK(int(wire::RENORM_SKIP) == int(Renorm::Skip));
    CHECK(int(wire::MAX) == int(GroupScore::Max));
    CHECK(int(wire::ZIPF) == int(Skew::Kind::Zipf));
    CHECK(int(wire::HOT) == int(Skew::Kind::Hot));
    CHECK(int(wire::WARM) == int(CacheState::Warm));
    CHECK(int(wire::MEASUREMENT_RUNNING) == int(Measurement::State::Running));
    CHECK(int(wire::MEASUREMENT_CANCELLED) == int(Measurement::State::Cancelled));
    CHECK(int(wire::CUDA_EVENTS) == int(Measurement::Timer::CudaEvents));
    CHECK(int(wire::HOST_CLOCK) == int(Measurement::Timer::HostClock));
    CHECK(int(wire::FATE_PRUNED) == int(Candidate::Fate::Pruned));
    CHECK(int(wire::FATE_BEST) == int(Candidate::Fate::Best));
    CHECK(int(wire::RUN_CANCELLED) == int(RunRecord::State::Cancelled));
    CHECK(int(wire::RUN_FAILED) == int(RunRecord::State::Failed));
    CHECK(int(wire::DEVICE_TO_DEVICE) == int(CopyRecord::Kind::DeviceToDevice));
    CHECK(int(wire::OTHER) == int(CopyRecord::Kind::Other));
}

TEST_CASE("a value of a later version is refused by its field, and only the first is told") {
    wire::Plan plan;
    plan.mutable_workload()->mutable_model()->set_router(static_cast<wire::RouterKind>(9));
    plan.set_cache(static_cast<wire::CacheState>(7));
    Decoding decoding;
    (void)from_wire(plan, decoding);
    REQUIRE_FALSE(decoding.ok());
    CHECK(decoding.status().error().what.find("router") != std::string::npos);

    wire::PlanItem item;
    item.set_op("teleport");
    Decoding other;
    (void)from_wire(item, other);
    REQUIRE_FALSE(other.ok());
    CHECK(other.status().error().what.find("teleport") != std::string::npos);
}

TEST_CASE("a path or a name that is not UTF-8 reaches the other side") {
    Plan plan;
    plan.workload.model.name = "mod\xe8le";
    plan.workload.model.source = "/home/andr\xe9/config.json";
    wire::ToWorker there, back;
    to_wire(plan, there.mutable_run()->mutable_plan());
    REQUIRE(back.ParseFromString(there.SerializeAsString()));
    Decoding decoding;
    CHECK(from_wire(back.run().plan(), decoding).workload.model == plan.workload.model);

    wire::FromWorker failed, read;
    to_wire(Error{"caf\xe9", "\xff", "\xfe"}, failed.mutable_failure()->mutable_error());
    REQUIRE(read.ParseFromString(failed.SerializeAsString()));
    CHECK(from_wire(read.failure().error()) == Error{"caf\xe9", "\xff", "\xfe"});
}
