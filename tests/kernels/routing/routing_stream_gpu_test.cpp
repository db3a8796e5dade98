// A stream can only be captured if nothing enqueued on it waits for the host or allocates.
#include "kernels/reference.h"
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/metadata_support.h"
#include "tests/kernels/routing/topk_support.h"

using namespace moescope;
using namespace moescope::test;

namespace {

struct Stream {
    cudaStream_t handle = nullptr;
    Stream() { require_cuda(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking)); }
    ~Stream() { cudaStreamDestroy(handle); }
};

// What a step enqueues on the stream, as a graph that can be launched again.
class CapturedGraph {
  public:
    template <class Step> CapturedGraph(cudaStream_t stream, Step step) {
        require_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
        const ms_status status = step();
        INFO(ms_last_error());
        CHECK(status == MS_OK);
        require_cuda(cudaStreamEndCapture(stream, &graph_));
        require_cuda(cudaGraphInstantiate(&executable_, graph_, 0));
    }
    ~CapturedGraph() {
        cudaGraphExecDestroy(executable_);
        cudaGraphDestroy(graph_);
    }
    void launch(cudaStream_t stream) { require_cuda(cudaGraphLaunch(executable_, stream)); }

  private:
    cudaGraph_t graph_ = nullptr;
    cudaGraphExec_t executable_ = nullptr;
};

} // namespace

TEST_CASE("routing and its metadata are captured once and replayed on new logits", "[gpu]") {
    skip_without_gpu();
    const std::int64_t tokens = GENERATE(50, 3000); // one block's metadata, and many blocks'
    const std::int32_t experts = GENERATE(16, 128), top_k = 4;
    const std::int64_t slots = tokens * top_k;
    const auto slot_count = std::size_t(slots), expert_count = std::size_t(experts);
    DeviceArray<float> logits(std::size_t(tokens) * expert_count), weights(slot_count);
    DeviceArray<std::int32_t> ids(slot_count), counts(expert_count), offsets(expert_count + 1);
    DeviceArray<std::int32_t> sorted_slots(slot_count), inverse(slot_count);
    DeviceArray<ms_tile> tiles(std::size_t(ms_max_tiles(slots, experts, 64)));
    DeviceArray<ms_tile> other_tiles(std::size_t(ms_max_tiles(slots, experts, 16)));

    auto softmax = softmax_args(tokens, experts, top_k);
    softmax.logits = logits.data();
    softmax.weights = weights.data();
    softmax.ids = ids.data();
    auto sigmoid = sigmoid_args(tokens, experts, top_k);
    sigmoid.logits = logits.data();
    sigmoid.weights = weights.data();
    sigmoid.ids = ids.data();
    auto metadata = metadata_args(slots, experts, 64);
    metadata.ids = ids.data();
    metadata.counts = counts.data();
    metadata.offsets = offsets.data();
    metadata.sorted_slots = sorted_slots.data();
    metadata.inverse = inverse.data();
    metadata.tiles = tiles.data();
    DeviceArray<std::uint8_t> workspace(ms_route_metadata_workspace_bytes(&metadata));
    metadata.workspace = workspace.data();
    metadata.workspace_bytes = workspace.bytes();
    const ms_tile_schedule_args schedule{sizeof schedule, experts, offsets.data(),
                                         slots,           16,      other_tiles.data()};

    const bool with_softmax = GENERATE(true, false);
    const Stream stream;
    CapturedGraph graph(stream.handle, [&] {
        ms_status status = with_softmax ? ms_softmax_topk(&softmax, stream.handle)
                                        : ms_sigmoid_topk(&sigmoid, stream.handle);
        if (status == MS_OK)
            status = ms_route_metadata(&metadata, stream.handle);
        return status == MS_OK ? ms_tile_schedule(&schedule, stream.handle) : status;
    });

    Random random(11);
    for (int replay = 0; replay < 3; ++replay) {
        const auto values = uniform_values(logits.size(), -6, 6, random);
        logits.upload(values);
        synchronize(); // the stream does not wait for the copy
        graph.launch(stream.handle);
        ms_status status = MS_OK;
        const Selection selection =
            with_softmax ? run_reference(reference::softmax_topk, softmax, values, status)
                         : run_reference(reference::sigmoid_topk, sigmoid, values, status);
        REQUIRE(status == MS_OK);
        const Metadata expected = reference_metadata(selection.ids, experts, 64);
        CHECK(difference(ids.download(), selection.ids) == "");
        CHECK(difference(sorted_slots.download(), expected.sorted_slots) == "");
        CHECK(difference(inverse.download(), expected.inverse) == "");
        CHECK(same_tiles(tiles.download(), expected.tiles));
        CHECK(same_tiles(other_tiles.download(), reference_schedule(expected.offsets, slots, 16)));
    }
}
