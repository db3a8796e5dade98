// The running maximum and sums from which a softmax's entropy comes in one read.
#pragma once

#include <cmath>
#include <span>

namespace moescope::lessons {

// Of the logits seen so far: the largest m, S = sum exp(x - m), W = sum exp(x - m) (x - m).
struct RunningSoftmax {
    double largest = -INFINITY, mass = 0, weighted = 0;
    double rescale = 1; // what the sums were multiplied by when the last block came

    // Takes a block in; both sums move to the new maximum first.
    void take(std::span<const float> block);
    double entropy() const { return std::log(mass) - weighted / mass; }
    double log_sum_exp() const { return largest + std::log(mass); }
};

} // namespace moescope::lessons
