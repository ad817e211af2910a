/* SPDX-License-Identifier: GPL-2.0-only */
/* zpci_reenable_device() for kernels without it. */
#ifndef ZPCI_TEST_REENABLE_H
#define ZPCI_TEST_REENABLE_H

#include <linux/io.h>
#include <linux/pci.h>

#ifndef HAS_REENABLE
/* What zpci_hot_reset_device() does there, and with the driver. */
static inline int zpci_reenable_device(struct zpci_dev *zdev)
{
	u8 status;
	int rc = zpci_enable_device(zdev);

#ifdef CONFIG_ZPCI_RUST
	if (!rc)
		rc = zpci_iommu_register_ioat(zdev, &status);
#else
	if (!rc && zdev->dma_table)
		rc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
					virt_to_phys(zdev->dma_table), &status);
#endif
	return rc;
}
#endif

#endif
