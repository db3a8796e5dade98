#include "profiler/worker/operators/kernel_call.h"

#include "kernels/common/float_types.h"

#include <cmath>
#include <string>
#include <utility>

namespace moescope {

namespace {

std::uint32_t tensor_number(const FillFor &fill) {
    return std::uint32_t(fill.salt) << 16 | std::uint32_t(fill.tensor);
}

} // namespace

Status kernel_status(ms_status code, std::string_view what) {
    if (code == MS_OK)
        return {};
    return Error{std::string(what) + " failed", ms_last_error(), ""};
}

std::function<Status()> compile_layer(Device &device, const ms_moe_mlp_args &args, std::string_view what) {
    if (!device.kernels().moe_mlp_compile)
        return {};
    return [&device, args, name = std::string(what)] {
        return kernel_status(device.kernels().moe_mlp_compile(&args, device.info().arch.c_str()), name);
    };
}

TileConfig tile_config(const ms_tile_config &from) {
    return {from.block_m, from.block_n, from.block_k, from.warps, from.stages};
}

ms_tile_config kernel_config(const TileConfig &from) {
    return {from.block_m, from.block_n, from.block_k,
            from.warps,   from.stages,  from.is_wgmma() ? MS_TILE_WGMMA : MS_TILE_MMA_SYNC};
}

float nearest_power_of_two(double value) { return float(std::exp2(std::round(std::log2(value)))); }

Status allocate(Device &device, Buffer &buffer, std::int64_t bytes, std::string_view label) {
    buffer = Buffer();
    Result<Buffer> made = device.allocate(bytes, label);
    MOESCOPE_TRY(made);
    buffer = std::move(*made);
    return {};
}

Status allocate_uniform(Device &device, Buffer &buffer, std::string_view label, ms_dtype dtype, std::int64_t count,
                        FillFor fill, float scale) {
    MOESCOPE_TRY(allocate(device, buffer, count * size_of(dtype), label));
    const FillUniformArgs args{buffer.data(), dtype, count, fill.seed, tensor_number(fill), scale, fill.first};
    return kernel_status(device.kernels().fill_uniform(&args, device.stream()), label);
}

Status allocate_bytes(Device &device, Buffer &buffer, std::string_view label, std::int64_t count, FillFor fill) {
    MOESCOPE_TRY(allocate(device, buffer, count, label));
    const FillBytesArgs args{buffer.as<std::uint8_t>(), count, fill.seed, tensor_number(fill)};
    return kernel_status(device.kernels().fill_bytes(&args, device.stream()), label);
}

} // namespace moescope
