/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What VFIO and iommufd report of zPCI functions, their groups and their IOMMU.
 *
 * The structures are in the byte order of the host and have no hidden padding;
 * every reserved field is zero. A structure that was published is only ever
 * added to, at its end and with a higher version, so a reader takes every
 * version from 1 on and looks at the fields that it knows. Entries that follow
 * a structure start at the offset that version 1 gives them, for good, and lie
 * entry_size bytes apart. All ranges are inclusive.
 *
 * The description of each field ends with its owner: the function, as the
 * machine reported it; the IOMMU, as its driver chose; or the VMM, which
 * replaces the value of the host in what a guest sees.
 *
 * The capabilities of VFIO_IOMMU_GET_INFO are in the chain behind those of
 * type1, each at most once, in the order TABLE_FORMATS, MSI, GAPS, GROUPS,
 * FUNCTIONS, so that what grows with the number of functions comes last. A
 * caller whose buffer holds the capabilities of type1 but not all of these gets
 * as many as the buffer holds, in that order, and the chain ends there; argsz is
 * unchanged. A container with a function always has TABLE_FORMATS and FUNCTIONS:
 * a chain without one of them was cut. The size of everything is in argsz after
 * a call with a buffer of the size of struct vfio_iommu_type1_info, as always.
 */
#ifndef _UAPI_LINUX_VFIO_ZPCI_H
#define _UAPI_LINUX_VFIO_ZPCI_H

#include <linux/types.h>
#include <linux/vfio.h>

/*
 * Numbers of this header: 0xf390 to 0xf39f, each with one meaning in whatever
 * ioctl it is met. Linux assigns the capabilities of an ioctl one by one, from 1
 * on. 0xf390, 0xf391 and 0xf393 are not used any more and stay reserved.
 */
#define VFIO_ZPCI_FIRST_ID 0xf390
#define VFIO_ZPCI_LAST_ID 0xf39f

#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS 0xf398

/**
 * struct vfio_iommu_type1_info_cap_zpci_table_formats - formats of the tables
 * @header: version 1
 * @nr_formats: number of struct vfio_zpci_table_format that follow; IOMMU
 * @entry_size: bytes from one entry to the next, 24 or more
 *
 * VFIO_IOMMU_GET_INFO: the formats of the translation tables of the container,
 * each once. Domains of a container may differ, and a function that joins may
 * bring a further format.
 */
struct vfio_iommu_type1_info_cap_zpci_table_formats {
	struct vfio_info_cap_header header;
	__u32 nr_formats;
	__u32 entry_size;
};

/**
 * struct vfio_zpci_table_format - format of translation tables
 * @frame_sizes: bit n (1 << n) for frames of 2^n bytes; IOMMU
 * @format: VFIO_ZPCI_TABLE_FORMAT_S390; IOMMU
 * @flags: VFIO_ZPCI_TABLE_FORMAT_RELAXED; IOMMU
 * @designation_types: bit n (1 << n) for roots of designation type n; IOMMU
 * @reserved: zero
 */
struct vfio_zpci_table_format {
	__aligned_u64 frame_sizes;
	__u32 format;
	__u32 flags;
	__u32 designation_types;
	__u32 reserved;
};

/* Region, segment and page tables of s390. */
#define VFIO_ZPCI_TABLE_FORMAT_S390 1
/* A function may be registered without a table. */
#define VFIO_ZPCI_TABLE_FORMAT_RELAXED 0x1

#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI 0xf394

/**
 * struct vfio_iommu_type1_info_cap_zpci_msi - where interrupts are written to
 * @header: version 1
 * @flags: VFIO_ZPCI_MSI_NEEDS_MAPPING; function
 * @nr_pages: pages of @page_size to map, 0 if none; IOMMU
 * @page_size: smallest page in bytes that all domains can map; IOMMU
 * @nr_windows: number of struct vfio_zpci_msi_window that follow; function
 * @entry_size: bytes from one entry to the next, 24 or more
 *
 * VFIO_IOMMU_GET_INFO: whether the writes that are interrupts need a mapping.
 * Not there if no function has interrupts.
 */
struct vfio_iommu_type1_info_cap_zpci_msi {
	struct vfio_info_cap_header header;
	__u32 flags;
	__u32 nr_pages;
	__aligned_u64 page_size;
	__u32 nr_windows;
	__u32 entry_size;
};

/**
 * struct vfio_zpci_msi_window - addresses that are interrupts
 * @start: first address; function
 * @end: last address; function
 * @flags: VFIO_ZPCI_MSI_NEEDS_MAPPING; function
 * @reserved: zero
 */
struct vfio_zpci_msi_window {
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 flags;
	__u32 reserved;
};

/* The writes are translated; never set on s390. */
#define VFIO_ZPCI_MSI_NEEDS_MAPPING 0x1

#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS 0xf392

/**
 * struct vfio_iommu_type1_info_cap_zpci_gaps - what may not be mapped, and why
 * @header: version 1
 * @nr_gaps: number of struct vfio_zpci_gap that follow; IOMMU
 * @entry_size: bytes from one entry to the next, 24 or more
 *
 * VFIO_IOMMU_GET_INFO: all addresses that VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE
 * leaves out, lowest first.
 */
struct vfio_iommu_type1_info_cap_zpci_gaps {
	struct vfio_info_cap_header header;
	__u32 nr_gaps;
	__u32 entry_size;
};

/**
 * struct vfio_zpci_gap - addresses that may not be mapped
 * @start: first address; IOMMU
 * @end: last address; IOMMU
 * @reasons: VFIO_ZPCI_GAP_*, at least one; IOMMU
 * @reserved: zero
 */
struct vfio_zpci_gap {
	__aligned_u64 start;
	__aligned_u64 end;
	__u32 reasons;
	__u32 reserved;
};

/* Outside the aperture of a function. */
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

#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUPS 0xf397

/**
 * struct vfio_iommu_type1_info_cap_zpci_groups - groups of the functions
 * @header: version 1
 * @nr_groups: number of struct vfio_zpci_group that follow; function
 * @entry_size: bytes from one entry to the next, 32 or more
 *
 * VFIO_IOMMU_GET_INFO: the groups of the functions of the container, each once.
 */
struct vfio_iommu_type1_info_cap_zpci_groups {
	struct vfio_info_cap_header header;
	__u32 nr_groups;
	__u32 entry_size;
};

/**
 * struct vfio_zpci_group - group of zPCI functions
 * @dasm: DMA address space mask; function
 * @msi_addr: address that MSIs are written to; function
 * @flags: VFIO_ZPCI_GROUP_*; function
 * @mui: measurement interval in milliseconds; function
 * @noi: most interrupts of a function; function
 * @maxstbl: longest store block in bytes; function
 * @version: version of PCI; function
 * @gid: function group; VMM if groups of two hosts meet
 * @reserved: zero
 */
struct vfio_zpci_group {
	__aligned_u64 dasm;
	__aligned_u64 msi_addr;
	__u32 flags;
	__u16 mui;
	__u16 noi;
	__u16 maxstbl;
	__u8 version;
	__u8 gid;
	__u32 reserved;
};

/* A translation that becomes valid has to be refreshed, too. */
#define VFIO_ZPCI_GROUP_REFRESH 0x1

#define VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS 0xf396

/**
 * struct vfio_iommu_type1_info_cap_zpci_functions - functions of the container
 * @header: version 1
 * @nr_functions: number of struct vfio_zpci_function that follow; IOMMU
 * @entry_size: bytes from one entry to the next, 112 or more
 *
 * VFIO_IOMMU_GET_INFO: the zPCI functions of the container, and no other ones.
 */
struct vfio_iommu_type1_info_cap_zpci_functions {
	struct vfio_info_cap_header header;
	__u32 nr_functions;
	__u32 entry_size;
};

/**
 * struct vfio_zpci_function - zPCI function
 * @fid: function identifier; VMM
 * @uid: user-defined identifier; VMM
 * @start_dma: first address that is registered for it; IOMMU
 * @end_dma: last address that is registered for it; IOMMU
 * @flags: VFIO_ZPCI_FUNCTION_*; function
 * @pchid: physical channel identifier; function
 * @vfn: virtual function number; function
 * @fmb_length: bytes of the measurement block, 0 if there is none; function
 * @pft: function type; function
 * @gid: function group; VMM if groups of two hosts meet
 * @pfip: function internal path; function
 * @port: physical port, 0 to 15; function
 * @fidparm: function identifier parameter; function
 * @format: index of the entry of TABLE_FORMATS that its tables have; IOMMU
 * @reserved: zero
 * @util_str: utility string in EBCDIC, or zero; function
 */
struct vfio_zpci_function {
	__u32 fid;
	__u32 uid;
	__aligned_u64 start_dma;
	__aligned_u64 end_dma;
	__u32 flags;
	__u16 pchid;
	__u16 vfn;
	__u16 fmb_length;
	__u8 pft;
	__u8 gid;
	__u8 pfip[4];
	__u8 port;
	__u8 fidparm;
	__u16 format;
	__u32 reserved;
	__u8 util_str[64];
};

/* It is a physical function. */
#define VFIO_ZPCI_FUNCTION_PHYSICAL 0x1
/* util_str is valid. */
#define VFIO_ZPCI_FUNCTION_UTIL_STR 0x2

#define IOMMU_HW_INFO_TYPE_ZPCI 0xf395
/*
 * The next one of enum iommu_hw_info_type, from a kernel that was configured
 * to report what is only proposed (CONFIG_ZPCI_RUST_PROPOSED_UAPI).
 */
#define IOMMU_HW_INFO_TYPE_ZPCI_PROPOSED 5

/**
 * struct iommu_hw_info_zpci - IOMMU of a zPCI function
 * @flags: IOMMU_HW_INFO_ZPCI_*; function
 * @designation_types: bit n (1 << n) for roots of designation type n; function
 * @dtsm: the same as the machine stored it; function
 * @reserved: zero
 * @frame_sizes: bit n (1 << n) for frames of 2^n bytes; IOMMU
 * @msi_start: first address of interrupts, or 0; function
 * @msi_end: last address of interrupts, or 0; function
 *
 * IOMMU_GET_HW_INFO of iommufd: the data of this type. It may become longer;
 * data_len is its length.
 */
struct iommu_hw_info_zpci {
	__u32 flags;
	__u16 designation_types;
	__u8 dtsm;
	__u8 reserved;
	__aligned_u64 frame_sizes;
	__aligned_u64 msi_start;
	__aligned_u64 msi_end;
};

/* The function may be registered without a table. */
#define IOMMU_HW_INFO_ZPCI_RELAXED 0x1
/* A translation that becomes valid has to be refreshed, too. */
#define IOMMU_HW_INFO_ZPCI_REFRESH 0x2
/* msi_start and msi_end are valid; what is written there is not translated. */
#define IOMMU_HW_INFO_ZPCI_MSI_WINDOW 0x4

/*
 * What could be asked of Linux: the next versions of its own capabilities of a
 * function and of its group (VFIO_DEVICE_GET_INFO). From a kernel that was
 * configured to report what is only proposed (CONFIG_ZPCI_RUST_PROPOSED_UAPI);
 * another Linux may give these versions another meaning.
 */

/**
 * struct vfio_device_info_cap_zpci_base_proposed - zPCI function
 * @header: VFIO_DEVICE_INFO_CAP_ZPCI_BASE, version 4
 * @start_dma: first usable DMA address; IOMMU
 * @end_dma: last usable DMA address; IOMMU
 * @pchid: physical channel identifier; function
 * @vfn: virtual function number; function
 * @fmb_length: bytes of the measurement block; function
 * @pft: function type; function
 * @gid: function group; VMM if groups of two hosts meet
 * @fh: function handle, since version 2; VMM
 * @ccdf_err_length: bytes of an error event, 0 if none is handed out, since
 *	version 3; function
 * @uid: user-defined identifier, or 0; VMM
 * @flags: VFIO_DEVICE_INFO_ZPCI_BASE_*; function
 */
struct vfio_device_info_cap_zpci_base_proposed {
	struct vfio_info_cap_header header;
	__aligned_u64 start_dma;
	__aligned_u64 end_dma;
	__u16 pchid;
	__u16 vfn;
	__u16 fmb_length;
	__u8 pft;
	__u8 gid;
	__u32 fh;
	__u32 ccdf_err_length;
	__u32 uid;
	__u32 flags;
};

/* It is a physical function. */
#define VFIO_DEVICE_INFO_ZPCI_BASE_PHYSICAL 0x1

/**
 * struct vfio_device_info_cap_zpci_group_proposed - group of zPCI functions
 * @header: VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, version 3
 * @dasm: DMA address space mask; function
 * @msi_addr: address that MSIs are written to; function
 * @flags: VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH, always
 * @mui: measurement interval in milliseconds; function
 * @noi: most interrupts of a function; function
 * @maxstbl: longest store block in bytes; function
 * @version: version of PCI; function
 * @reserved: zero
 * @imaxstbl: longest store block that is interpreted, since version 2; function
 * @reserved2: zero
 * @machine_flags: VFIO_DEVICE_INFO_ZPCI_GROUP_*; function
 * @dtsm: designation type support mask as the machine stored it; function
 * @reserved3: zero
 */
struct vfio_device_info_cap_zpci_group_proposed {
	struct vfio_info_cap_header header;
	__aligned_u64 dasm;
	__aligned_u64 msi_addr;
	__aligned_u64 flags;
	__u16 mui;
	__u16 noi;
	__u16 maxstbl;
	__u8 version;
	__u8 reserved;
	__u16 imaxstbl;
	__u8 reserved2[6];
	__u32 machine_flags;
	__u8 dtsm;
	__u8 reserved3[3];
};

/* A translation that becomes valid has to be refreshed, too. */
#define VFIO_DEVICE_INFO_ZPCI_GROUP_REFRESH 0x1
/* The function may be registered without a table. */
#define VFIO_DEVICE_INFO_ZPCI_GROUP_RELAXED 0x2

#define VFIO_DEVICE_FEATURE_ZPCI_MEASURE 0xf399

/**
 * struct vfio_device_feature_zpci_measure - measurement of a function
 * @enable: 1 to begin, 0 to end; VMM
 * @reserved: zero
 *
 * VFIO_DEVICE_FEATURE, SET: the counters begin with 0, also if the function was
 * measured before. To end what has ended, or was never begun, is no error. A
 * reset of the function ends it, that by VFIO when the device is opened among
 * them, and the last sample stays.
 */
struct vfio_device_feature_zpci_measure {
	__u32 enable;
	__u32 reserved;
};

#define VFIO_DEVICE_FEATURE_ZPCI_SAMPLE 0xf39a

/**
 * struct vfio_device_feature_zpci_sample - what a function did
 * @interval: milliseconds from one sample to the next; function
 * @sample: number of the sample; function
 * @format: format of the measurement block, 0 to 3; function
 * @flags: VFIO_ZPCI_SAMPLE_TRANSFERS; function
 * @reserved: zero
 * @last_update: when the sample was taken, in the machine's own unit; function
 * @loads: loads (PCILG); function
 * @stores: stores (PCISTG); function
 * @block_stores: block stores (PCISTB); function
 * @refreshes: refreshes (RPCIT); function
 * @transfers: counters of the format, in its order, or zeros; function
 *
 * VFIO_DEVICE_FEATURE, GET: one sample of the measurement block, never half of
 * one. It may become longer. ENODATA: no measurement was begun, or it was ended.
 * EAGAIN: the machine is writing the block.
 */
struct vfio_device_feature_zpci_sample {
	__u32 interval;
	__u32 sample;
	__u8 format;
	__u8 flags;
	__u8 reserved[6];
	__aligned_u64 last_update;
	__aligned_u64 loads;
	__aligned_u64 stores;
	__aligned_u64 block_stores;
	__aligned_u64 refreshes;
	__aligned_u64 transfers[4];
};

/* The counters of the format are valid. */
#define VFIO_ZPCI_SAMPLE_TRANSFERS 0x1

#endif
