// A whole routing on the host: the two references it must agree with.
#pragma once

#include "tests/kernels/routing/metadata_support.h"
#include "tests/kernels/routing/topk_support.h"

#include <cstdint>
#include <vector>

namespace moescope::test {

struct Routed {
    Selection selection;
    Metadata metadata;
};


// ms_topk's reference and then ms_route_metadata's.
template <class Logits>
Routed reference_in_two(const ms_topk_args &topk, const std::vector<Logits> &logits,
                        std::int32_t block_rows) {
    ms_status status = MS_OK;
    Routed out;
    out.selection = run_reference(reference::topk, topk, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    out.metadata = reference_metadata(out.selection.ids, topk.experts, block_rows);
    return out;
}

} // namespace moescope::test
