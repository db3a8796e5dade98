#include "profiler/protocol/record_columns.h"

#include <initializer_list>

namespace moescope {

namespace {

void add_tag(Tag tag, wire::TagColumns *to) {
    to->add_measurement(tag.measurement.value);
    to->add_repetition(tag.repetition);
}
Tag tag_at(const wire::TagColumns &from, int i) {
    return {MeasurementId{from.measurement(i)}, from.repetition(i)};
}

// The number of records; 0 and a complaint where the columns disagree about it.
int agreed_size(std::initializer_list<int> sizes, std::string_view table, Decoding &decoding) {
    for (int size : sizes)
        if (size != *sizes.begin()) {
            decoding.reject(table, "columns of unequal length");
            return 0;
        }
    return *sizes.begin();
}

} // namespace

void to_wire(std::span<const KernelRecord> from, wire::KernelColumns *to) {
    for (const KernelRecord &record : from) {
        to->add_start_ns(record.start_ns);
        to->add_end_ns(record.end_ns);
        to->add_name(record.name.value);
        to->add_correlation(record.correlation);
        to->add_device(record.device);
        to->add_stream(record.stream);
        add_tag(record.tag, to->mutable_tag());
        for (std::size_t axis = 0; axis < 3; ++axis) {
            to->add_grid(record.grid[axis]);
            to->add_block(record.block[axis]);
        }
        to->add_registers(record.registers);
        to->add_static_smem_bytes(record.static_smem_bytes);
        to->add_dynamic_smem_bytes(record.dynamic_smem_bytes);
        to->add_local_bytes_per_thread(record.local_bytes_per_thread);
        to->add_theoretical_occupancy(record.theoretical_occupancy);
    }
}

std::vector<KernelRecord> from_wire(const wire::KernelColumns &from, Decoding &decoding) {
    const bool whole = from.grid_size() % 3 == 0 && from.block_size() % 3 == 0;
    const int size = agreed_size(
        {from.start_ns_size(), from.end_ns_size(), from.name_size(), from.correlation_size(), from.device_size(),
         from.stream_size(), from.tag().measurement_size(), from.tag().repetition_size(),
         whole ? from.grid_size() / 3 : -1, whole ? from.block_size() / 3 : -1, from.registers_size(),
         from.static_smem_bytes_size(), from.dynamic_smem_bytes_size(), from.local_bytes_per_thread_size(),
         from.theoretical_occupancy_size()},
        "kernel records", decoding);
    std::vector<KernelRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i) {
        KernelRecord &to = records.emplace_back();
        to.start_ns = from.start_ns(i);
        to.end_ns = from.end_ns(i);
        to.name = NameId{from.name(i)};
        to.correlation = from.correlation(i);
        to.device = from.device(i);
        to.stream = from.stream(i);
        to.tag = tag_at(from.tag(), i);
        to.grid = {from.grid(3 * i), from.grid(3 * i + 1), from.grid(3 * i + 2)};
        to.block = {from.block(3 * i), from.block(3 * i + 1), from.block(3 * i + 2)};
        to.registers = from.registers(i);
        to.static_smem_bytes = from.static_smem_bytes(i);
        to.dynamic_smem_bytes = from.dynamic_smem_bytes(i);
        to.local_bytes_per_thread = from.local_bytes_per_thread(i);
        to.theoretical_occupancy = from.theoretical_occupancy(i);
    }
    return records;
}

void to_wire(std::span<const ApiRecord> from, wire::ApiColumns *to) {
    for (const ApiRecord &record : from) {
        to->add_start_ns(record.start_ns);
        to->add_end_ns(record.end_ns);
        to->add_name(record.name.value);
        to->add_correlation(record.correlation);
        to->add_process(record.process);
        to->add_thread(record.thread);
        add_tag(record.tag, to->mutable_tag());
    }
}

std::vector<ApiRecord> from_wire(const wire::ApiColumns &from, Decoding &decoding) {
    const int size = agreed_size({from.start_ns_size(), from.end_ns_size(), from.name_size(), from.correlation_size(),
                                  from.process_size(), from.thread_size(), from.tag().measurement_size(),
                                  from.tag().repetition_size()},
                                 "call records", decoding);
    std::vector<ApiRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back({from.start_ns(i), from.end_ns(i), NameId{from.name(i)}, from.correlation(i), from.process(i),
                           from.thread(i), tag_at(from.tag(), i)});
    return records;
}

void to_wire(std::span<const CopyRecord> from, wire::CopyColumns *to) {
    for (const CopyRecord &record : from) {
        to->add_start_ns(record.start_ns);
        to->add_end_ns(record.end_ns);
        to->add_bytes(record.bytes);
        to->add_correlation(record.correlation);
        to->add_device(record.device);
        to->add_stream(record.stream);
        to->add_kind(static_cast<wire::CopyKind>(record.kind));
        add_tag(record.tag, to->mutable_tag());
    }
}

std::vector<CopyRecord> from_wire(const wire::CopyColumns &from, Decoding &decoding) {
    const int size = agreed_size({from.start_ns_size(), from.end_ns_size(), from.bytes_size(), from.correlation_size(),
                                  from.device_size(), from.stream_size(), from.kind_size(),
                                  from.tag().measurement_size(), from.tag().repetition_size()},
                                 "copy records", decoding);
    std::vector<CopyRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i) {
        if (!wire::CopyKind_IsValid(from.kind(i)))
            decoding.reject("copy kind", std::to_string(from.kind(i)));
        records.push_back({from.start_ns(i), from.end_ns(i), from.bytes(i), from.correlation(i), from.device(i),
                           from.stream(i), static_cast<CopyRecord::Kind>(from.kind(i)), tag_at(from.tag(), i)});
    }
    return records;
}

void to_wire(std::span<const MemoryRecord> from, wire::MemoryColumns *to) {
    for (const MemoryRecord &record : from) {
        to->add_time_ns(record.time_ns);
        to->add_bytes(record.bytes);
        to->add_address(record.address);
        to->add_label(record.label.value);
        add_tag(record.tag, to->mutable_tag());
    }
}

std::vector<MemoryRecord> from_wire(const wire::MemoryColumns &from, Decoding &decoding) {
    const int size = agreed_size({from.time_ns_size(), from.bytes_size(), from.address_size(), from.label_size(),
                                  from.tag().measurement_size(), from.tag().repetition_size()},
                                 "memory records", decoding);
    std::vector<MemoryRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back(
            {from.time_ns(i), from.bytes(i), from.address(i), NameId{from.label(i)}, tag_at(from.tag(), i)});
    return records;
}

void to_wire(std::span<const OverheadRecord> from, wire::OverheadColumns *to) {
    for (const OverheadRecord &record : from) {
        to->add_start_ns(record.start_ns);
        to->add_end_ns(record.end_ns);
        to->add_kind(record.kind.value);
    }
}

std::vector<OverheadRecord> from_wire(const wire::OverheadColumns &from, Decoding &decoding) {
    const int size =
        agreed_size({from.start_ns_size(), from.end_ns_size(), from.kind_size()}, "overhead records", decoding);
    std::vector<OverheadRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back({from.start_ns(i), from.end_ns(i), NameId{from.kind(i)}});
    return records;
}

void to_wire(std::span<const CounterRecord> from, wire::CounterColumns *to) {
    for (const CounterRecord &record : from) {
        to->add_measurement(record.measurement.value);
        to->add_kernel(record.kernel);
        to->add_range(record.range.value);
        to->add_metric(record.metric.value);
        to->add_value(record.value);
    }
}

std::vector<CounterRecord> from_wire(const wire::CounterColumns &from, Decoding &decoding) {
    const int size = agreed_size(
        {from.measurement_size(), from.kernel_size(), from.range_size(), from.metric_size(), from.value_size()},
        "counters", decoding);
    std::vector<CounterRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back({MeasurementId{from.measurement(i)}, from.kernel(i), NameId{from.range(i)},
                           NameId{from.metric(i)}, from.value(i)});
    return records;
}

void to_wire(std::span<const PmSampleRecord> from, wire::PmSampleColumns *to) {
    for (const PmSampleRecord &record : from) {
        to->add_start_ns(record.start_ns);
        to->add_end_ns(record.end_ns);
        to->add_device(record.device);
        to->add_metric(record.metric.value);
        to->add_value(record.value);
    }
}

std::vector<PmSampleRecord> from_wire(const wire::PmSampleColumns &from, Decoding &decoding) {
    const int size = agreed_size(
        {from.start_ns_size(), from.end_ns_size(), from.device_size(), from.metric_size(), from.value_size()},
        "sampled counters", decoding);
    std::vector<PmSampleRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back(
            {{}, from.start_ns(i), from.end_ns(i), from.device(i), NameId{from.metric(i)}, from.value(i)});
    return records;
}

void to_wire(std::span<const DeviceStateRecord> from, wire::DeviceStateColumns *to) {
    for (const DeviceStateRecord &record : from) {
        to->add_time_ns(record.time_ns);
        to->add_device(record.device);
        to->add_sm_clock_mhz(record.sm_clock_mhz);
        to->add_memory_clock_mhz(record.memory_clock_mhz);
        to->add_temperature_c(record.temperature_c);
        to->add_power_w(record.power_w);
        to->add_clock_event_reasons(record.clock_event_reasons);
    }
}

std::vector<DeviceStateRecord> from_wire(const wire::DeviceStateColumns &from, Decoding &decoding) {
    const int size = agreed_size({from.time_ns_size(), from.device_size(), from.sm_clock_mhz_size(),
                                  from.memory_clock_mhz_size(), from.temperature_c_size(), from.power_w_size(),
                                  from.clock_event_reasons_size()},
                                 "device states", decoding);
    std::vector<DeviceStateRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back({{}, from.time_ns(i), from.device(i), from.sm_clock_mhz(i), from.memory_clock_mhz(i),
                           from.temperature_c(i), from.power_w(i), from.clock_event_reasons(i)});
    return records;
}

void to_wire(std::span<const PcSampleRecord> from, wire::PcSampleColumns *to) {
    for (const PcSampleRecord &record : from) {
        to->add_measurement(record.measurement.value);
        to->add_kernel(record.kernel.value);
        to->add_pc_offset(record.pc_offset);
        to->add_file(record.file.value);
        to->add_line(record.line);
        to->add_stall(record.stall.value);
        to->add_samples(record.samples);
    }
}

std::vector<PcSampleRecord> from_wire(const wire::PcSampleColumns &from, Decoding &decoding) {
    const int size = agreed_size({from.measurement_size(), from.kernel_size(), from.pc_offset_size(),
                                  from.file_size(), from.line_size(), from.stall_size(), from.samples_size()},
                                 "instruction samples", decoding);
    std::vector<PcSampleRecord> records;
    records.reserve(std::size_t(size));
    for (int i = 0; i < size; ++i)
        records.push_back({MeasurementId{from.measurement(i)}, NameId{from.kernel(i)}, from.pc_offset(i),
                           NameId{from.file(i)}, from.line(i), NameId{from.stall(i)}, from.samples(i)});
    return records;
}

} // namespace moescope
