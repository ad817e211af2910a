/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the shim share.
 */
#ifndef ZPCI_SHIM_H
#define ZPCI_SHIM_H

#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <asm/pci_debug.h>

#include "zpci_rust.h"

/*
 * A line for the log, but not at once: who maps or unmaps may hold a lock that a
 * console which does DMA takes.
 */
#define zpci_printk_later(level, fmt, ...)						\
({											\
	static DEFINE_RATELIMIT_STATE(_lines, DEFAULT_RATELIMIT_INTERVAL,		\
				      DEFAULT_RATELIMIT_BURST);				\
	if (__ratelimit(&_lines))							\
		printk_deferred(level pr_fmt(fmt), ##__VA_ARGS__);			\
})

/* function.c: what CLP reported of a function, from and to where the kernel keeps it */
extern bool zpci_trust_dtsm;
void zpci_shim_describe(struct zpci_dev *zdev, struct zpci_rust_function *function);
void zpci_shim_limits(struct zpci_dev *zdev, struct zpci_rust_limits *limits);
void zpci_shim_store(struct zpci_dev *zdev, const struct zpci_rust_function *function);

/*
 * registration.c: nobody begins or ends a translation of the function between
 * these; NULL if the driver has nothing of it, which all of them take
 */
struct zpci_function *zpci_function_lock(struct zpci_dev *zdev, bool disable);
void zpci_function_unlock(struct zpci_function *function);

/*
 * Between them: whether the machine translates for the function, as far as its
 * answers say; and to be called if it was disabled since, by whomever, which
 * ended its translation and its measurement
 */
bool zpci_function_registered(struct zpci_function *function);
void zpci_function_disabled(struct zpci_function *function);
/* The same, if it was to be disabled and was not */
void zpci_function_stays(struct zpci_function *function);

/*
 * container.c: hands the capabilities of a function to @add, one after the other,
 * for drivers/vfio/pci/vfio_pci_zdev_rust.c, which may be a module; the first
 * error of @add. May sleep.
 */
int zpci_shim_capabilities(struct zpci_dev *zdev,
			   int (*add)(void *chain, u16 id, u16 version, const void *data,
				      size_t size),
			   void *chain);

/*
 * measurement.c, for the same: begins measurement of a function anew, or ends it;
 * ends what was begun, since nobody has the function open any more; a sample of
 * ZPCI_RUST_SAMPLE_SIZE bytes. May sleep.
 */
int zpci_shim_measure(struct zpci_dev *zdev, bool enable);
void zpci_shim_measure_close(struct zpci_dev *zdev);
int zpci_shim_sample(struct zpci_dev *zdev, u8 *sample);

#endif /* ZPCI_SHIM_H */
