#include "app/shell/window.h"

int main(int count, char **words) {
    moescope::WindowOptions options;
    for (int i = 1; i < count; ++i)
        options.files.emplace_back(words[i]);
    return moescope::run_window(options);
}
