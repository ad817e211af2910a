/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* A function in the hands of user space, through either of the two APIs. */
#ifndef GUEST_VFIO_H
#define GUEST_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio.h>

enum vfio_api {
	/* /dev/vfio/vfio with a type 1 version 2 IOMMU, /dev/vfio/<group>. */
	VFIO_API_TYPE1,
	/* /dev/iommu, /dev/vfio/devices/vfio<n>. */
	VFIO_API_IOMMUFD,
};

struct vfio {
	enum vfio_api api;
	/* The device. */
	int device;
	/* The container, or the iommufd. */
	int iommu;
	/* Type 1 alone. */
	int group;
	/* iommufd alone: of the device and of the address space. */
	uint32_t device_id, ioas;
};

/* Both ends inclusive. */
struct iova_range {
	uint64_t start, last;
};

#define IOVA_RANGES 16

#define VFIO_READ 1
#define VFIO_WRITE 2
#define VFIO_READ_WRITE (VFIO_READ | VFIO_WRITE)

/* "type1" or "iommufd". */
const char *vfio_api_name(enum vfio_api api);

/*
 * Opens the function, which must be bound to vfio-pci, and attaches it to an
 * empty address space. Fails the case if that does not work.
 */
void vfio_open(struct vfio *vfio, enum vfio_api api, const char *address);

/*
 * Opens a further function, bound to vfio-pci too, for the address space of
 * `other`, without attaching it. With type 1 there is no device then.
 */
void vfio_open_beside(struct vfio *vfio, const struct vfio *other,
		      const char *address);

/* Attaches what vfio_open_beside() opened. Returns 0, or -1 with errno. */
int vfio_attach(struct vfio *vfio);
int vfio_detach(struct vfio *vfio);

/* The device, opened if there is none yet, or -1 with errno. */
int vfio_device(struct vfio *vfio, const char *address);

/* Resets the function while it is attached. Returns 0, or -1 with errno. */
int vfio_reset(struct vfio *vfio, const char *address);

void vfio_close(struct vfio *vfio);

/*
 * Maps `size` bytes of memory at `iova`, for reading, writing or both by the
 * device. Returns 0, or -1 with errno.
 */
int vfio_map(struct vfio *vfio, void *memory, uint64_t iova, uint64_t size,
	     unsigned int access);

/*
 * Unmaps the mappings that lie between `iova` and `iova` + `size` and stores
 * how many bytes they had. Returns 0, or -1 with errno.
 */
int vfio_unmap(struct vfio *vfio, uint64_t iova, uint64_t size,
	       uint64_t *unmapped);

/*
 * Stores the ranges of addresses that may be mapped, in ascending order.
 * Returns their number; the array has IOVA_RANGES elements.
 */
size_t vfio_ranges(struct vfio *vfio, struct iova_range *ranges);

/*
 * The answer of VFIO_DEVICE_GET_INFO with its capabilities, in storage of its
 * own.
 */
struct vfio_device_info *vfio_device_info(struct vfio *vfio);

/* The same for VFIO_IOMMU_GET_INFO; type 1 alone. */
struct vfio_iommu_type1_info *vfio_iommu_info(struct vfio *vfio);

/*
 * The capability behind `previous`, or the first with NULL, in a chain that
 * starts at `offset` within `info` of `size` bytes; NULL behind the last.
 * Fails the case if the chain leaves the storage or runs backwards.
 */
const struct vfio_info_cap_header *
vfio_capability(const void *info, size_t size, size_t offset,
		const struct vfio_info_cap_header *previous);

/* The capability with this number in the answer about the device, or NULL. */
const struct vfio_info_cap_header *
vfio_device_capability(const struct vfio_device_info *info, uint16_t id);

/*
 * Reads or writes a little-endian register of the device, in the byte order
 * of this program. Fails the case if that does not work.
 */
uint32_t vfio_read32(struct vfio *vfio, unsigned int region, uint64_t offset);
void vfio_write32(struct vfio *vfio, unsigned int region, uint64_t offset,
		  uint32_t value);

/* Same, for 16 bits of the configuration space. */
uint16_t vfio_read_config16(struct vfio *vfio, uint64_t offset);
void vfio_write_config16(struct vfio *vfio, uint64_t offset, uint16_t value);

/*
 * Whether the kernel was configured to report what is only proposed, by
 * zpci.proposed=1 on its command line.
 */
bool vfio_proposed(void);

/* The type of the data of IOMMU_GET_HW_INFO of a kernel with the driver. */
uint32_t vfio_hardware_type(void);

/* Number of the feature, and bytes that it reads, since Linux 7.3. */
#define VFIO_DEVICE_FEATURE_ERROR_EVENT 13
#define ERROR_EVENT 32

/*
 * Reads the oldest error of the function that is pending into `event`, of
 * ERROR_EVENT bytes. Returns 0, or -1 with errno.
 */
int vfio_read_error(struct vfio *vfio, void *event);

/* An event file that is written when the function reports an error. */
int vfio_error_event(struct vfio *vfio);

/* Waits until an event file was written. Returns whether it was. */
bool vfio_wait(int event, unsigned int milliseconds);

#endif
