/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What VFIO and iommufd tell of zPCI functions, their groups and their IOMMU.
 *
 * The structures are in the byte order of the host and have no hidden padding;
 * every reserved field is zero. A structure that was published is only ever
 * added to, at its end and with a higher version, so a reader takes every
 * version from 1 on and looks at the fields that it knows. Entries that follow
 * a structure start at the offset that version 1 gives them, for good, and lie
 * entry_size bytes apart. All ranges are inclusive.
 *
 * Behind each field stands whose value it is: the function's, as the machine
 * told the host; the IOMMU's, as its driver chose; or the VMM's, which is the
 * host's value here and to be replaced by one of its own in what a guest sees.
 */
#ifndef _UAPI_LINUX_VFIO_ZPCI_H
#define _UAPI_LINUX_VFIO_ZPCI_H

#include <linux/types.h>
#include <linux/vfio.h>

/*
 * Numbers of this header: 0xf390 to 0xf39f, each with one meaning in whatever
 * ioctl it is met. Linux counts the capabilities of an ioctl up from 1, and
 * marks what belongs to a vendor by the highest bit.
 */
#define VFIO_ZPCI_FIRST_ID 0xf390
#define VFIO_ZPCI_LAST_ID 0xf39f

/*
 * VFIO_IOMMU_GET_INFO: a zPCI function of the container; one capability each.
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTION 0xf390

struct vfio_iommu_type1_info_cap_zpci_function {
	struct vfio_info_cap_header header;	/* version 1 */
	__u32 fid;		/* function identifier; VMM */
	__u32 uid;		/* user-defined identifier; VMM */
	__u64 start_dma;	/* first address that its domain translates; IOMMU */
	__u64 end_dma;		/* last address that its domain translates; IOMMU */
	__u32 flags;		/* VFIO_ZPCI_FUNCTION_*; function */
	__u16 pchid;		/* physical channel identifier; function */
	__u16 vfn;		/* virtual function number; function */
	__u16 fmb_length;	/* bytes of the measurement block, 0 if none; function */
	__u8 pft;		/* function type; function */
	__u8 gid;		/* function group; VMM where groups of two hosts meet */
	__u8 pfip[4];		/* function internal path; function */
	__u8 port;		/* physical port, 0 to 15; function */
	__u8 fidparm;		/* function identifier parameter; function */
	__u8 reserved[6];
	__u8 util_str[64];	/* utility string in EBCDIC, or zero; function */
};

/* It is a physical function. */
#define VFIO_ZPCI_FUNCTION_PHYSICAL 0x1
/* util_str is valid. */
#define VFIO_ZPCI_FUNCTION_UTIL_STR 0x2

/*
 * VFIO_IOMMU_GET_INFO: a group of zPCI functions of the container; one
 * capability for each distinct group.
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUP 0xf391

struct vfio_iommu_type1_info_cap_zpci_group {
	struct vfio_info_cap_header header;	/* version 1 */
	__u64 dasm;		/* DMA address space mask; function */
	__u64 msi_addr;		/* address that MSIs are written to; function */
	__u32 flags;		/* VFIO_ZPCI_GROUP_*; function */
	__u16 mui;		/* measurement interval in milliseconds; function */
	__u16 noi;		/* most interrupts of a function; function */
	__u16 maxstbl;		/* longest store block in bytes; function */
	__u8 version;		/* version of PCI; function */
	__u8 gid;		/* function group; VMM where groups of two hosts meet */
	__u32 reserved;
};

/* A translation that becomes valid has to be refreshed, too. */
#define VFIO_ZPCI_GROUP_REFRESH 0x1

/*
 * VFIO_IOMMU_GET_INFO: all addresses that VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE
 * leaves out, lowest first, and why; nr_gaps of vfio_zpci_gap follow.
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS 0xf392

struct vfio_iommu_type1_info_cap_zpci_gaps {
	struct vfio_info_cap_header header;	/* version 1 */
	__u32 nr_gaps;		/* number of entries; IOMMU */
	__u32 entry_size;	/* bytes from one entry to the next, 24 or more */
};

struct vfio_zpci_gap {
	__u64 start;		/* first address; IOMMU */
	__u64 end;		/* last address; IOMMU */
	__u32 reasons;		/* VFIO_ZPCI_GAP_*, at least one; IOMMU */
	__u32 reserved;
};

/* Outside the aperture of a domain. */
#define VFIO_ZPCI_GAP_OUTSIDE 0x1
/* Mapped to the absolute address of the same number at all times. */
#define VFIO_ZPCI_GAP_DIRECT 0x2
/* The same, where a device may be given away in spite of it. */
#define VFIO_ZPCI_GAP_DIRECT_RELAXABLE 0x4
/* Not for devices. */
#define VFIO_ZPCI_GAP_RESERVED 0x8
/* A write is an interrupt and is not translated. */
#define VFIO_ZPCI_GAP_MSI 0x10
/* Software maps the writes that are interrupts there. */
#define VFIO_ZPCI_GAP_SOFTWARE_MSI 0x20

/*
 * VFIO_IOMMU_GET_INFO: the translation tables of every domain. An attach that
 * would change a field is refused, so what was read once holds as long as
 * something is attached.
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMAT 0xf393

struct vfio_iommu_type1_info_cap_zpci_table_format {
	struct vfio_info_cap_header header;	/* version 1 */
	__u64 frame_sizes;	/* bit n (1 << n) for frames of 2^n bytes; IOMMU */
	__u32 format;		/* VFIO_ZPCI_TABLE_FORMAT_S390; IOMMU */
	__u32 flags;		/* VFIO_ZPCI_TABLE_FORMAT_RELAXED; IOMMU */
	__u32 designation_types;	/* bit n (1 << n) for type n; IOMMU */
	__u32 reserved;
};

/* Region, segment and page tables of s390. */
#define VFIO_ZPCI_TABLE_FORMAT_S390 1
/* A function may be registered without a table. */
#define VFIO_ZPCI_TABLE_FORMAT_RELAXED 0x1

/*
 * VFIO_IOMMU_GET_INFO: whether the writes that are interrupts need a mapping;
 * nr_windows of vfio_zpci_msi_window follow, which say where they go to.
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI 0xf394

struct vfio_iommu_type1_info_cap_zpci_msi {
	struct vfio_info_cap_header header;	/* version 1 */
	__u32 flags;		/* VFIO_ZPCI_MSI_NEEDS_MAPPING; function */
	__u32 nr_pages;		/* pages of page_size to map, 0 if none; IOMMU */
	__u64 page_size;	/* smallest page in bytes that all domains take; IOMMU */
	__u32 nr_windows;	/* number of entries; function */
	__u32 entry_size;	/* bytes from one entry to the next, 24 or more */
};

struct vfio_zpci_msi_window {
	__u64 start;		/* first address; function */
	__u64 end;		/* last address; function */
	__u32 flags;		/* VFIO_ZPCI_MSI_NEEDS_MAPPING; function */
	__u32 reserved;
};

/* The writes are translated; never set on s390. */
#define VFIO_ZPCI_MSI_NEEDS_MAPPING 0x1

/*
 * IOMMU_GET_HW_INFO of iommufd: the data of this type. It may become longer;
 * data_len says how long it is.
 */
#define IOMMU_HW_INFO_TYPE_ZPCI 0xf395

struct iommu_hw_info_zpci {
	__u32 flags;		/* IOMMU_HW_INFO_ZPCI_*; function */
	__u16 designation_types;	/* bit n (1 << n) for type n; function */
	__u8 dtsm;		/* the same as the machine stored it; function */
	__u8 reserved;
	__u64 frame_sizes;	/* bit n (1 << n) for frames of 2^n bytes; IOMMU */
	__u64 msi_start;	/* first address of interrupts, or 0; function */
	__u64 msi_end;		/* last address of interrupts, or 0; function */
};

/* The function may be registered without a table. */
#define IOMMU_HW_INFO_ZPCI_RELAXED 0x1
/* A translation that becomes valid has to be refreshed, too. */
#define IOMMU_HW_INFO_ZPCI_REFRESH 0x2
/* msi_start and msi_end are valid; what is written there is not translated. */
#define IOMMU_HW_INFO_ZPCI_MSI_WINDOW 0x4

#endif
