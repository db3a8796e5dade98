// One line on standard error that is written over and over; nothing where that is not a terminal.
#pragma once

#include <string>

namespace moescope::cli {

class ProgressLine {
  public:
    ProgressLine();
    ~ProgressLine(); // clears the line
    ProgressLine(const ProgressLine &) = delete;
    ProgressLine &operator=(const ProgressLine &) = delete;

    // fraction: 0..1, or below 0 when unknown.
    void show(const std::string &doing, double fraction);

  private:
    bool terminal_;
    bool shown_ = false;
};

// "[#######             ]  35 % gate_up/fused: 37 samples", at most `width` characters.
std::string progress_text(const std::string &doing, double fraction, std::size_t width);

} // namespace moescope::cli
