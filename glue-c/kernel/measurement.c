// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measurement of functions, for user space.
 *
 * The block belongs to the function: debugfs changes it under @fmb_lock, and
 * pcibios_enable_device() and pcibios_disable_device() without, which VFIO
 * calls before it lets user space at the device and after the last one left.
 */
#include <linux/mutex.h>
#include <linux/pci.h>

#include "compat.h"
#include "zpci_shim.h"

/* The counters that every format has; QEMU has these and says that there is no block. */
#define ZPCI_FMB_COMMON		offsetof(struct zpci_fmb, fmt0)

/*
 * zdev->fh may be that of an event that comes late. The machine knows no such
 * function, which is taken for the end of its measurement: the block would be
 * freed while the machine writes it.
 */
static int zpci_check_handle(struct zpci_dev *zdev)
{
	u32 fh;
	int rc;

	rc = clp_refresh_fh(zdev->fid, &fh);
	if (rc)
		return rc == -ENODEV ? 0 : rc;
	return fh == READ_ONCE(zdev->fh) ? 0 : -EIO;
}

int zpci_shim_measure(struct zpci_dev *zdev, bool enable)
{
	int rc;

	mutex_lock(&zdev->fmb_lock);
	rc = zpci_check_handle(zdev);
	/* What a reset ended still has its block here, of which the machine knows nothing. */
	if (!rc && zdev->fmb)
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
