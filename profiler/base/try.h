// Returns the error of a Status or Result expression from the calling function, which itself returns
// a Status or a Result.
#pragma once

#define MOESCOPE_TRY(expression)                                                                   \
    do {                                                                                           \
        if (auto &&moescope_tried_ = (expression); !moescope_tried_)                               \
            return moescope_tried_.error();                                                        \
    } while (false)
