/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the kernel's own headers take for granted.
 */
#include <stdbool.h>
#include <stdint.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef struct { int64_t counter; } atomic64_t;

#define __aligned(n)	__attribute__((__aligned__(n)))
#define __counted_by(member)
#define __iomem
#define __packed	__attribute__((__packed__))
#define __user

#define DECLARE_STATIC_KEY_FALSE(key)	extern int key
#define PAGE_SIZE			4096
#define PCI_STD_NUM_BARS		6
