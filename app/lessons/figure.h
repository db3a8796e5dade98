// Moving pictures as data: frames of shapes, made of real values without a window. The window and
// anything else that can draw rectangles draws them.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::lessons {

// Which of the theme's colours.
enum class Ink : std::uint8_t { Text, Muted, Line, Raised, Accent, Good, Warning, Failure, Series };

// What a value of a picture was made of, for its hover.
struct Note {
    enum class Of : std::uint8_t { Workload, Measurement, Ceilings } of = Of::Workload;
    MeasurementId measurement = {};
    static Note measured(MeasurementId id) { return {Of::Measurement, id}; }
    static Note ceilings() { return {Of::Ceilings, {}}; }
};

struct Shape {
    enum class Kind : std::uint8_t { Box, Frame, Line, Arrow, Disc, Words };
    enum class Align : std::uint8_t { Left, Centre, Right };

    Kind kind = Kind::Box;
    std::string key; // the same in two frames: the shape moves from one place to the other
    // Box and Frame: left upper corner and size. Line and Arrow: both ends (x, y) and (w, h). Disc:
    // its centre, and its radius as w. Words: their anchor, vertically centred; their height as h.
    float x = 0, y = 0, w = 0, h = 0;
    Ink ink = Ink::Text;
    int series = 0; // of Ink::Series
    float alpha = 1;
    std::string words = {};
    Align align = Align::Centre;
    bool bold = false;
    Note note = {};
};

struct Frame {
    std::vector<Shape> shapes;
    std::string caption; // what happens, with the values it happens to
    Note note = {};      // of the caption's values
};

// Every picture is this wide; all lengths are in its units.
inline constexpr float kFigureWidth = 760;
inline constexpr float kWordHeight = 13;

struct Figure {
    float height = 260;
    std::vector<Frame> frames; // empty: nothing to show, and `why` says so
    std::string why;
};

// The shapes of a moment between two frames, t in 0..1: shapes of both move and fade from one to the
// other, shapes of one appear or disappear.
Frame between(const Frame &from, const Frame &to, float t);
// At a place 0..frames-1 of the figure.
Frame at(const Figure &figure, float position);

// What figures are made of.
struct FigureInputs {
    Workload workload;
    const Session &session;
    RunId run; // may be invalid
};

struct FigureMaker {
    std::string_view name; // as lessons name it
    Figure (*make)(const FigureInputs &);
};
std::span<const FigureMaker> figure_makers();
const FigureMaker *find_figure(std::string_view name); // null: there is none

// Puts shapes into a frame.
class Pen {
  public:
    explicit Pen(Frame &frame) : frame_(&frame) {}
    Shape &box(float x, float y, float w, float h, Ink ink, std::string key = {});
    Shape &outline(float x, float y, float w, float h, Ink ink, std::string key = {});
    Shape &line(float x1, float y1, float x2, float y2, Ink ink, std::string key = {});
    Shape &arrow(float x1, float y1, float x2, float y2, Ink ink, std::string key = {});
    Shape &disc(float x, float y, float radius, Ink ink, std::string key = {});
    Shape &words(float x, float y, std::string words, Ink ink = Ink::Text, Shape::Align align = Shape::Align::Centre,
                 std::string key = {});

  private:
    Shape &add(Shape shape);
    Frame *frame_;
};

// Begins a figure's next frame; the pen of the one before is done with.
Pen next_frame(Figure &figure, std::string caption);

} // namespace moescope::lessons
