// "How does it work?": lessons on the kernels, built on the session that is shown.
#pragma once

#include "app/lessons/figure.h"
#include "app/lessons/progress.h"
#include "app/views/view_context.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

namespace moescope {

// What a moving picture is at: a place 0..frames-1, and the place it moves to.
struct PlayerState {
    float position = 0, target = 0;
    bool playing = false; // on to the last frame
    bool moving() const { return position != target; }
};
// Moves on by `seconds`; never beyond the last frame.
void advance(PlayerState &player, float seconds, std::size_t frames);
// One frame on or back, from the frame it is at or moves to.
void step(PlayerState &player, int by, std::size_t frames);

struct LessonsState {
    std::optional<lessons::LessonList> list; // lesson_list() reads it
    std::string open;                        // a lesson's id; "": none yet
    std::set<std::string> found;             // lessons whose question is answered
    std::map<std::string, int> page;         // the one last read, of each lesson
    std::map<std::string, lessons::Reply> replies;
    std::string number; // being written
    PlayerState player;
    std::optional<Error> problem; // why a control could not run

    // The figure of the page that is open, made again when what it shows changes.
    struct Shown {
        std::string figure;
        Workload workload;
        std::uint64_t version = 0;
        RunId run;
        lessons::Figure made;
    };
    std::optional<Shown> shown;
    double seen_at = -1; // by ImGui's clock: a picture out of sight does not move
};

struct LessonActions {
    std::span<const ModelShape> catalogue;
    const Workload &workload; // where no run is shown
    std::string device;
    bool on_cpu = false;
    std::function<void(Plan)> run;
};

// Read when they are first asked for.
const lessons::LessonList &lesson_list(LessonsState &state);

// At the page last read; its picture begins anew.
void open_lesson(LessonsState &state, const std::string &id);

// Whether the view wants the next frame at once.
bool in_motion(const LessonsState &state, double now);

void draw_lessons(const ViewContext &context, LessonsState &state, const LessonActions &actions);

} // namespace moescope
