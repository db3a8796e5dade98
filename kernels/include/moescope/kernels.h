/* MoEScope kernels: the C interface.
 *
 * Every operator is one function: it checks its arguments, enqueues its work on the stream and
 * returns at once. No operator synchronises with the host or allocates device memory; scratch
 * space is the caller's, sized by the matching *_workspace_bytes function.
 *
 * Pointers are device pointers unless a comment says host. All arrays are row-major and
 * contiguous unless a stride is given; strides count elements, not bytes. A null pointer means the
 * optional part is absent. Every args struct begins with struct_size = sizeof(that struct), which
 * versions it: a library newer than its caller reads the fields the caller knew and takes zero for
 * the rest.
 *
 * Names: T tokens, E experts, k experts a token (top-k), S = T*k routed tokens ("slots"; slot s
 * belongs to token s/k), H hidden size, K and N inner and outer size of an expert's weight,
 * R LoRA rank.
 *
 * The same structs, holding host pointers, drive the CPU references (kernels' C++ headers).
 */
#ifndef MOESCOPE_KERNELS_H
#define MOESCOPE_KERNELS_H

#include "moescope/base.h"
#include "moescope/dequant.h"
#include "moescope/logprob.h"
#include "moescope/lora_grad.h"
#include "moescope/mlp.h"
#include "moescope/route.h"
#include "moescope/route_metadata.h"
#include "moescope/routing.h"
#include "moescope/routing_structures.h"
#include "moescope/scatter2scatter.h"

#endif /* MOESCOPE_KERNELS_H */
