// The run-time kernel sources (*.jit.cu, *.jit.cuh) as text; the table is made by the build.
#pragma once

namespace moescope {

struct EmbeddedSource {
    const char *name; // file name without folder
    const char *text;
};
extern const EmbeddedSource kEmbeddedSources[];
extern const int kEmbeddedSourceCount;

} // namespace moescope
