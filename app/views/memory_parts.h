// The pieces of the memory view.
#pragma once

#include "app/views/memory.h"

namespace moescope {

// Colour of a group of the history: the variants' colours, which can be told apart with every kind of
// colour vision.
ImVec4 group_colour(const Theme &theme, const MemoryHistory &history, std::size_t group);

void draw_memory_chart(const ViewContext &context, MemoryState &state, std::size_t step,
                       ImVec2 size);
// Full against selective dequantisation; how the layer's variants compare.
void draw_memory_variants(const ViewContext &context, MemoryState &state);

} // namespace moescope
