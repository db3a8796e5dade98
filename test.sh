#!/usr/bin/env bash
# Sets everything up and runs every test. Tests that need a GPU say so and skip where there is none.
# Arguments go to ctest: ./test.sh -R timeline
. "$(dirname "${BASH_SOURCE[0]}")/cmake/setup.sh"
set_up "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
build all

exec ctest --test-dir "$MOESCOPE_BUILD" --output-on-failure --parallel "$(nproc)" "$@"
