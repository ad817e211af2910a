// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measurement of functions, for user space.
 */
#include <linux/mutex.h>
#include <linux/pci.h>

#include "compat.h"
#include "zpci_shim.h"

/* The counters that every format has; QEMU has these and says that there is no block. */
#define ZPCI_FMB_COMMON		offsetof(struct zpci_fmb, fmt0)

int zpci_shim_measure(struct zpci_dev *zdev, bool enable)
{
	int rc = 0;

	mutex_lock(&zdev->fmb_lock);
	/* What a reset ended still has its block here, of which the machine knows nothing. */
	if (zdev->fmb)
		rc = zpci_fmb_disable_device(zdev);
	if (!rc && enable)
		rc = zpci_fmb_enable_device(zdev);
	mutex_unlock(&zdev->fmb_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(zpci_shim_measure);

int zpci_shim_sample(struct zpci_dev *zdev, u8 *sample)
{
	u16 length = max_t(u16, zdev->fmb_length, ZPCI_FMB_COMMON);
	int rc = -ENODATA;

	mutex_lock(&zdev->fmb_lock);
	if (zdev->fmb)
		rc = zpci_rust_sample((const u64 *)zdev->fmb, length, zdev->fmb_update, sample);
	mutex_unlock(&zdev->fmb_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(zpci_shim_sample);
