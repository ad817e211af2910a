/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Features of a device that vfio_pci_core.c has no name for. Included once, there.
 */
#ifndef VFIO_PCI_FEATURE_H
#define VFIO_PCI_FEATURE_H

#include <linux/kconfig.h>
#include <linux/vfio.h>

#if IS_ENABLED(CONFIG_ZPCI_RUST) && IS_ENABLED(CONFIG_VFIO_PCI_ZDEV_KVM)
int vfio_pci_zdev_feature(struct vfio_device *device, u32 flags, void __user *arg, size_t argsz);
#else
/* No function, which debugging information would name. */
#define vfio_pci_zdev_feature(device, flags, arg, argsz) (-ENOTTY)
#endif

#endif /* VFIO_PCI_FEATURE_H */
