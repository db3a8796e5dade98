// The pieces of the roofline view.
#pragma once

#include "app/views/roofline.h"
#include "profiler/explain/gap.h"

#include <string>

namespace moescope {

// The selected measurement's time, split and in words.
class GapView {
  public:
    GapView(const ViewContext &context, RooflineState &state);

    float height(float width) const; // pixels that draw() takes, at this width
    void draw(RooflineState &state) const;

  private:
    void draw_bar(RooflineState &state) const;
    void draw_table() const;
    void draw_part(std::size_t at) const;
    ImVec4 shade(std::size_t part) const;

    const ViewContext &context_;
    const Measurement *measurement_ = nullptr; // the selected one of the run shown
    Gap gap_;
    std::string notes_, hint_;
};

} // namespace moescope
