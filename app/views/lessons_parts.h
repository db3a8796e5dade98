// What the Lessons view is made of.
#pragma once

#include "app/views/lessons.h"
#include "app/views/number.h"

namespace moescope {

// The picture at its place, its caption and its bar; moves it on by a frame's time. about: what its values say
// that have no note of their own.
void draw_player(const ViewContext &context, PlayerState &player, const lessons::Figure &figure, const ui::Fact &about);

// What the run shown has measured of a control's operators and variants.
void draw_results(const ViewContext &context, const lessons::Control &control);

} // namespace moescope
