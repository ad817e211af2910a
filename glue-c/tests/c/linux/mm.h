/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the files of kernel/ that run on a host need of this header. */
#include "../kernel_stub.h"
