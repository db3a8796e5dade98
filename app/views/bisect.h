// Binary search over what has an index and no iterators that jump.
#pragma once

#include <cstddef>

namespace moescope {

// The first index of [from, to) at which `before` no longer holds, to if it holds throughout; it must
// hold up to some index and nowhere after it.
template <typename Before> std::size_t bisect(std::size_t from, std::size_t to, const Before &before) {
    while (from < to) {
        const std::size_t middle = from + (to - from) / 2;
        if (before(middle))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

} // namespace moescope
