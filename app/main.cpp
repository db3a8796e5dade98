#include "app/cli/cli.h"

int main(int count, char **words) { return moescope::cli::run(count, words); }
