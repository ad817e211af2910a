/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Types and functions of the kernel, as BPF's tools find them (BTF). */
#ifndef GUEST_BTF_H
#define GUEST_BTF_H

/* Where the kernel has them, if it does. */
#define BTF_FILE "/sys/kernel/btf/vmlinux"

/*
 * How many entries of a kind, BTF_KIND_FUNC or another one of linux/btf.h,
 * have names that start with `start`.
 */
unsigned int btf_count(unsigned int kind, const char *start);

#endif
