// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO: the capabilities of a zPCI function, and its registration with KVM.
 */
#include <linux/kvm_host.h>
#include <linux/pci.h>
#include <linux/vfio.h>

#include "vfio_pci_priv.h"
#include "../../iommu/zpci-rust/zpci_shim.h"

static int vfio_pci_zdev_add(void *caps, void *cap, size_t size)
{
	return vfio_info_add_capability(caps, cap, size);
}

int vfio_pci_info_zdev_add_caps(struct vfio_pci_core_device *vdev, struct vfio_info_cap *caps)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (!zdev)
		return -ENODEV;
	return zpci_shim_capabilities(zdev, vfio_pci_zdev_add, caps);
}

int vfio_pci_zdev_open_device(struct vfio_pci_core_device *vdev)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (!zdev)
		return -ENODEV;
	if (!vdev->vdev.kvm)
		return 0;
	if (!zpci_kvm_hook.kvm_register)
		return -ENOENT;
	return zpci_kvm_hook.kvm_register(zdev, vdev->vdev.kvm);
}

void vfio_pci_zdev_close_device(struct vfio_pci_core_device *vdev)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (zdev && vdev->vdev.kvm && zpci_kvm_hook.kvm_unregister)
		zpci_kvm_hook.kvm_unregister(zdev);
}
