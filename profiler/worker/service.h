// The worker's life behind the protocol: says hello, lists its devices, carries out plans.
#pragma once

namespace moescope {

// Never returns but to say how the process should exit: EXIT_FAILURE when the device was lost, so
// that the other side starts a new worker. lifeline_seconds: see RequestReader.
int serve(int input_fd, int output_fd, int lifeline_seconds = 0);

} // namespace moescope
