// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO: the capabilities of a zPCI function, its registration with KVM, its
 * errors, from which user space recovers it, and its measurement.
 */
#include <linux/err.h>
#include <linux/kvm_host.h>
#include <linux/pci.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/vfio_zpci.h>

#include "vfio_pci_feature.h"
#include "vfio_pci_priv.h"
#include "../../iommu/zpci-rust/zpci_shim.h"

static int vfio_pci_zdev_add(void *caps, u16 id, u16 version, const void *data, size_t size)
{
	struct vfio_info_cap_header *header;

	header = vfio_info_cap_add(caps, sizeof(*header) + size, id, version);
	if (IS_ERR(header))
		return PTR_ERR(header);
	memcpy(header + 1, data, size);
	return 0;
}

int vfio_pci_info_zdev_add_caps(struct vfio_pci_core_device *vdev, struct vfio_info_cap *caps)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (!zdev)
		return -ENODEV;
	return zpci_shim_capabilities(zdev, vfio_pci_zdev_add, caps);
}

#ifdef ZPCI_ERR_PENDING_MAX
int vfio_pci_zdev_feature_err(struct vfio_device *device, u32 flags, void __user *arg, size_t argsz)
{
	struct vfio_pci_core_device *vdev = container_of(device, struct vfio_pci_core_device, vdev);
	struct zpci_dev *zdev = to_zpci(vdev->pdev);
	struct vfio_device_feature_zpci_err err;
	struct zpci_ccdf_err event = {};
	int rc;

	if (!zdev)
		return -ENODEV;
	rc = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(err));
	if (rc != 1)
		return rc;
	if (copy_from_user(&err, arg, sizeof(err)))
		return -EFAULT;
	if (!err.data)
		return -EINVAL;
	rc = zpci_get_pending_error(zdev, &event);
	if (rc)
		return rc;
	if (copy_to_user(u64_to_user_ptr(err.data), &event, sizeof(event))) {
		/* It is pending no more. */
		dev_warn_ratelimited(device->dev,
				     "Failed to handle PCI error event for PCI function 0x%x\n", zdev->fid);
		return -EFAULT;
	}
	return 0;
}
#else
/* The kernel recovers the functions of VFIO itself, or not at all. */
static void zpci_start_mediated_recovery(struct zpci_dev *zdev)
{
}

static void zpci_stop_mediated_recovery(struct zpci_dev *zdev)
{
}
#endif

static int vfio_pci_zdev_measure(struct zpci_dev *zdev, u32 flags, void __user *arg, size_t argsz)
{
	struct vfio_device_feature_zpci_measure measure;
	int rc;

	rc = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, sizeof(measure));
	if (rc != 1)
		return rc;
	if (copy_from_user(&measure, arg, sizeof(measure)))
		return -EFAULT;
	if (measure.enable > 1 || measure.reserved)
		return -EINVAL;
	return zpci_shim_measure(zdev, measure.enable);
}

static int vfio_pci_zdev_sample(struct zpci_dev *zdev, u32 flags, void __user *arg, size_t argsz)
{
	struct vfio_device_feature_zpci_sample sample;
	int rc;

	static_assert(sizeof(sample) == ZPCI_RUST_SAMPLE_SIZE);
	rc = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof(sample));
	if (rc != 1)
		return rc;
	rc = zpci_shim_sample(zdev, (u8 *)&sample);
	if (rc)
		return rc;
	return copy_to_user(arg, &sample, sizeof(sample)) ? -EFAULT : 0;
}

int vfio_pci_zdev_feature(struct vfio_device *device, u32 flags, void __user *arg, size_t argsz)
{
	struct vfio_pci_core_device *vdev = container_of(device, struct vfio_pci_core_device, vdev);
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (!zdev)
		return -ENODEV;
	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_ZPCI_MEASURE:
		return vfio_pci_zdev_measure(zdev, flags, arg, argsz);
	case VFIO_DEVICE_FEATURE_ZPCI_SAMPLE:
		return vfio_pci_zdev_sample(zdev, flags, arg, argsz);
	default:
		return -ENOTTY;
	}
}

int vfio_pci_zdev_open_device(struct vfio_pci_core_device *vdev)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);
	int rc = 0;

	if (!zdev)
		return -ENODEV;
	zpci_start_mediated_recovery(zdev);
	if (vdev->vdev.kvm) {
		rc = -ENOENT;
		if (zpci_kvm_hook.kvm_register)
			rc = zpci_kvm_hook.kvm_register(zdev, vdev->vdev.kvm);
	}
	if (rc)
		zpci_stop_mediated_recovery(zdev);
	return rc;
}

void vfio_pci_zdev_close_device(struct vfio_pci_core_device *vdev)
{
	struct zpci_dev *zdev = to_zpci(vdev->pdev);

	if (!zdev)
		return;
	/* Before the function is disabled, which KVM does too. */
	zpci_shim_measure_close(zdev);
	zpci_stop_mediated_recovery(zdev);
	if (vdev->vdev.kvm && zpci_kvm_hook.kvm_unregister)
		zpci_kvm_hook.kvm_unregister(zdev);
}
