#include "tests/support/made_up_shapes.h"

namespace moescope::test {

DeviceInfo h200() {
    DeviceInfo device;
    device.id = "cuda:0";
    device.name = "NVIDIA H200";
    device.arch = "sm_90a";
    device.driver = "580.82";
    device.runtime = "13.0";
    device.host = "gpu-box";
    device.multiprocessors = 132;
    device.max_threads_per_sm = 2048;
    device.max_threads_per_block = 1024;
    device.registers_per_sm = device.registers_per_block = 65536;
    device.smem_per_sm_bytes = 233472;
    device.smem_per_block_bytes = 49152;
    device.smem_per_block_optin_bytes = 232448;
    device.memory_bytes = 150'754'820'096;
    device.free_memory_bytes = 150'111'000'000;
    device.l2_bytes = 62'914'560;
    device.compute_major = 9;
    device.sm_clock_mhz = 1980;
    device.memory_clock_mhz = 3201;
    device.ceilings = {4.32e12, 8.1e14, true, false};
    device.capabilities = {
        {"cupti activity", "ok", ""},
        {"cuda events", "ok", ""},
        {"nvml", "refused", "the driver gives no throttle reasons inside a container"}};
    return device;
}

ModelShape qwen() {
    ModelShape model;
    model.name = "Qwen3.5-35B-A3B";
    model.source = "HF configuration";
    model.experts = 256;
    model.hidden = 2048;
    model.intermediate = 512;
    model.top_k = 8;
    model.shared_experts = 1;
    model.shared_intermediate = 512;
    return model;
}

ModelShape mixtral() {
    ModelShape model;
    model.name = "Mixtral-8x7B";
    model.source = "HF configuration";
    return model;
}

std::vector<OperatorShape> qwen_operators() {
    const TileConfig wide{128, 128, 64, 8, 4}, slim{64, 128, 64, 4, 4};
    const KernelShape count{"moescope::count_experts(int const*, long, int, int*)",
                            3900,
                            {64, 1, 1},
                            {256, 1, 1},
                            24,
                            1024,
                            1.0f};
    const KernelShape place{"moescope::place_slots(int const*, long, int const*, int*, int*)",
                            5200,
                            {64, 1, 1},
                            {256, 1, 1},
                            32,
                            4096,
                            1.0f};
    const KernelShape shrink{
        "lora_shrink<bf16, 64, 16, 64>", 62'000, {1280, 1, 1}, {128, 1, 1}, 96, 49152, 0.25f};
    const KernelShape expand{"lora_expand_add<bf16, 64, 128, 16>",
                             88'000,
                             {10240, 1, 1},
                             {128, 1, 1},
                             80,
                             24576,
                             0.375f,
                             true};
    const double gate_up_flops = 2.0 * 65536 * (2048.0 * 1024 + 16 * (2048 + 1024));
    const double down_flops = 2.0 * 65536 * (512.0 * 2048 + 16 * (512 + 2048));
    return {
        {OperatorId::SoftmaxTopk,
         "block_merge_sort",
         {},
         {{"moescope::softmax_topk_merge_sort<256, 1>(moescope::TopkArgs)",
           21'400,
           {8192, 1, 1},
           {128, 1, 1},
           40,
           2304,
           0.75f}},
         {8'912'896, 0},
         8'388'608,
         524'288,
         0},
        {OperatorId::SoftmaxTopk,
         "scalar",
         {},
         {{"moescope::softmax_topk_scalar(moescope::TopkArgs)",
           148'000,
           {64, 1, 1},
           {128, 1, 1},
           56,
           0,
           0.5f}},
         {8'912'896, 0},
         8'388'608,
         524'288,
         0},
        {OperatorId::Router,
         "plain",
         {},
         {{"moescope::router_logits<__nv_bfloat16>(moescope::RouterArgs)",
           58'300,
           {512, 1, 1},
           {256, 1, 1},
           128,
           65536,
           0.25f},
          {"moescope::softmax_topk_merge_sort<256, 1>(moescope::TopkArgs)",
           21'600,
           {8192, 1, 1},
           {128, 1, 1},
           40,
           2304,
           0.75f}},
         {43'515'904, 8.6e9},
         34'603'008,
         8'912'896,
         0},
        {OperatorId::RouteMetadata,
         "counting_sort",
         {},
         {count, place},
         {790'000, 0},
         262'144,
         526'000,
         131'072},
        {OperatorId::GateUp,
         "fused",
         wide,
         {{"scatter2scatter_fused<bf16, 128, 128, 64, 8, 4>",
           498'000,
           {6136, 1, 1},
           {256, 1, 1},
           168,
           131072,
           0.125f}},
         {1.27e9, gate_up_flops},
         1'110'000'000,
         134'217'728,
         0},
        {OperatorId::GateUp,
         "split",
         wide,
         {{"scatter2scatter_base<bf16, 128, 128, 64, 8, 4>",
           441'000,
           {6136, 1, 1},
           {256, 1, 1},
           152,
           131072,
           0.125f},
          shrink,
          expand},
         {1.27e9, gate_up_flops},
         1'110'000'000,
         134'217'728,
         2'097'152},
        {OperatorId::Down,
         "fused",
         slim,
         {{"scatter2scatter_fused<bf16, 64, 128, 64, 4, 4>",
           287'000,
           {20352, 1, 1},
           {128, 1, 1},
           144,
           98304,
           0.125f}},
         {8.8e8, down_flops},
         604'000'000,
         268'435'456,
         0},
        {OperatorId::Down,
         "split",
         slim,
         {{"scatter2scatter_base<bf16, 64, 128, 64, 4, 4>",
           264'000,
           {20352, 1, 1},
           {128, 1, 1},
           128,
           98304,
           0.125f},
          shrink,
          expand},
         {8.8e8, down_flops},
         604'000'000,
         268'435'456,
         2'097'152},
        {OperatorId::SelectiveDequant,
         "selective",
         {},
         {{"moescope::mark_active(int const*, int, int*, int*)",
           3100,
           {1, 1, 1},
           {1024, 1, 1},
           20,
           4096,
           0.5f},
          {"moescope::dequant_nf4<__nv_bfloat16, 64>(moescope::DequantArgs)",
           392'000,
           {65536, 1, 1},
           {256, 1, 1},
           38,
           64,
           0.75f}},
         {1.37e9, 0},
         302'000'000,
         1'073'741'824,
         2048},
        {OperatorId::SelectiveDequant,
         "full",
         {},
         {{"moescope::dequant_nf4<__nv_bfloat16, 64>(moescope::DequantArgs)",
           396'000,
           {65536, 1, 1},
           {256, 1, 1},
           38,
           64,
           0.75f}},
         {1.37e9, 0},
         302'000'000,
         1'073'741'824,
         0},
        {OperatorId::SelectLora,
         "selective",
         {},
         {{"moescope::select_lora<__nv_bfloat16>(moescope::SelectLoraArgs)",
           13'800,
           {3072, 1, 1},
           {128, 1, 1},
           26,
           0,
           1.0f}},
         {50'331'648, 0},
         25'165'824,
         25'165'824,
         0},
    };
}

} // namespace moescope::test
