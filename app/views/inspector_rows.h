// The rows of the inspector: a section's head, a number with its label, the same with a bar.
#pragma once

#include "app/theme.h"
#include "profiler/explain/evidence.h"

#include <optional>
#include <string>
#include <string_view>

namespace moescope {

class InspectorRows {
  public:
    InspectorRows(const Theme &theme, float scale) : theme_(theme), scale_(scale) {}

    // How all of the section's numbers came about stands beside its head, where it is one way.
    void section(std::string_view words, std::optional<Evidence> evidence = {}) const;
    // A number, with the mark of how it came about before its label. What is no number: without.
    void property(std::string_view label, const std::string &value, std::string_view explanation,
                  std::optional<Evidence> evidence = {}) const;
    // share: 0..1 of the row's width. mark: a tick at another share, such as the most there can be.
    void bar(std::string_view label, const std::string &value, double share,
             std::string_view explanation, std::optional<double> mark = {},
             Evidence evidence = Evidence::Measured) const;

  private:
    void row(std::string_view label, const std::string &value, std::optional<Evidence> evidence) const;

    const Theme &theme_;
    float scale_;
};

} // namespace moescope
