/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that are supported; the Makefile finds out.
 */
#ifndef ZPCI_COMPAT_H
#define ZPCI_COMPAT_H

#include <linux/pci.h>
#include <linux/slab.h>
#include <asm/setup.h>

/* Attaching a domain names the one that it replaces. */
#ifdef ZPCI_HAS_OLD_DOMAIN
#define ZPCI_OLD_DOMAIN	, struct iommu_domain *old
#else
#define ZPCI_OLD_DOMAIN
#endif

/* A caller of iommufd may name the type of the hardware information. */
#ifdef ZPCI_HAS_HW_INFO_TYPE
#define zpci_hw_info_type			enum iommu_hw_info_type
#else
#define zpci_hw_info_type			u32
#endif

/*
 * struct zpci_dev says whether a function may do without translation; an
 * identity domain needs that.
 */
#ifdef ZPCI_HAS_RELAXED_TRANSLATION
#define zpci_relaxed_translation(zdev)		((zdev)->rtr_avail)
#define zpci_set_relaxed_translation(zdev, on)	((zdev)->rtr_avail = (on))
#else
#define zpci_relaxed_translation(zdev)		((void)(zdev), false)
#define zpci_set_relaxed_translation(zdev, on)	((void)(zdev), (void)(on))
#endif

/* struct zpci_dev keeps the function identifier parameter. */
#ifdef ZPCI_HAS_FIDPARM
#define zpci_fidparm(zdev)			((zdev)->fidparm)
#define zpci_set_fidparm(zdev, value)		((zdev)->fidparm = (value))
#else
#define zpci_fidparm(zdev)			((void)(zdev), 0)
#define zpci_set_fidparm(zdev, value)		((void)(zdev), (void)(value))
#endif

/* Error events of functions that VFIO has are kept for user space. */
#ifdef ZPCI_ERR_PENDING_MAX
#define ZPCI_ERROR_EVENT_SIZE			sizeof(struct zpci_ccdf_err)
#else
#define ZPCI_ERROR_EVENT_SIZE			0
#endif

#ifndef ZPCI_CC_ERR
#define ZPCI_CC_ERR				1
#endif
#ifndef ZPCI_CC_BUSY
#define ZPCI_CC_BUSY				2
#endif
#ifndef ZPCI_CC_INVAL_HANDLE
#define ZPCI_CC_INVAL_HANDLE			3
#endif

/* Who answers the instructions is a VMM of the family of KVM, with or without KVM. */
#ifdef MACHINE_IS_KVM
#define zpci_is_guest()				MACHINE_IS_KVM
#else
#include <asm/machine.h>
#define zpci_is_guest()				machine_is_kvm()
#endif

/* Work of any processor has a name of its own. */
#ifndef ZPCI_HAS_DFL_WQ
#define system_dfl_wq				system_unbound_wq
#endif

/* The last byte of what type 1 can compare with what is mapped; no table translates the last page. */
#ifdef ZPCI_HAS_TYPE1_THAT_WRAPS
#define ZPCI_LAST_RESERVED			(U64_MAX - PAGE_SIZE)
#else
#define ZPCI_LAST_RESERVED			U64_MAX
#endif

/* Allocating an object names the object, and flags if they are not GFP_KERNEL. */
#ifndef kzalloc_obj
#define ZPCI_FLAGS(none, flags, ...)		flags
#define kzalloc_obj(object, ...)		\
	kzalloc(sizeof(object), ZPCI_FLAGS(none, ##__VA_ARGS__, GFP_KERNEL))
#endif

#endif /* ZPCI_COMPAT_H */
