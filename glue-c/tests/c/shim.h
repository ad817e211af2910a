/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * The exports, used in the order in which the kernel's shim uses them.
 */
#ifndef SHIM_H
#define SHIM_H

#include "zpci_rust.h"

#define SHIM_GFP_INIT	0x11
#define SHIM_GFP_MAP	0x22
#define SHIM_GFP_UNMAP	0x33

struct shim_domain;

/* A domain of @function; NULL, and the error in @rc */
struct shim_domain *shim_domain_new(const struct zpci_rust_function *function, u64 aperture, bool large, int *rc);
void shim_domain_free(struct shim_domain *domain);
u64 shim_domain_origin(const struct shim_domain *domain);
u64 shim_domain_last(const struct shim_domain *domain);

/* Attach; @domain may be NULL, for no translation. @answer: that of the registration */
int shim_attach(struct shim_domain *domain, const struct zpci_rust_function *function, u64 aperture, u8 answer[2]);
int shim_detach(struct shim_domain *domain, u32 handle, u32 gisa);

int shim_map(struct shim_domain *domain, u64 iova, u64 origin, u64 size, bool writable);
/* @everything: functions for which the whole window was refreshed */
int shim_sync_map(struct shim_domain *domain, u64 iova, u64 size, u32 *everything);
u64 shim_unmap(struct shim_domain *domain, u64 iova, u64 size, u64 changed[2], u64 *pages);
/* Refresh of what was unmapped, and reclaiming of tables; whether some wait for a grace period */
bool shim_sync(struct shim_domain *domain, u64 start, u64 last);
void shim_grace_period(struct shim_domain *domain);
u64 shim_translate(const struct shim_domain *domain, u64 iova);

int shim_window(const struct zpci_rust_function *function, u64 aperture, u64 window[2]);
u32 shim_reserved(const struct zpci_rust_function *function, u64 aperture, u64 reserved[2][2]);
bool shim_interrupts(const struct zpci_rust_function *function, u64 aperture, u64 interrupts[2]);
int shim_refresh(u32 handle, u64 start, u64 last);
int shim_refresh_all(u32 handle, u64 start, u64 last);
int shim_refresh_mapped(u32 handle, u64 start, u64 last, u64 first, u64 end);
bool shim_may_defer(u8 function_type);

int shim_list(void *context);
int shim_find(u32 id, u32 *handle, bool *configured);
/* @function is filled with 0xa5 before */
int shim_query(u32 handle, struct zpci_rust_function *function);
int shim_enable(u32 handle, u8 spaces, u32 gisa, bool mio, u32 *enabled);
int shim_disable(u32 handle, u32 *disabled);
int shim_write_back(void);
/* @data is a page of user space */
int shim_user_call(u8 processor, u8 *data);
int shim_user_installed(u64 *installed);

/* Capabilities, linked as behind an information structure of SHIM_CHAIN_START bytes */
#define SHIM_CHAIN_START	24

struct shim_chain {
	u8 *buffer;
	u64 capacity;
	u64 size;
	u64 last;		/* offset of the last capability */
	u32 accept;		/* capabilities before -ENOMEM */
	u32 calls;
};

int shim_vfio_capabilities(const struct zpci_rust_function *function, u64 aperture, struct shim_chain *chain);
int shim_container_capabilities(const struct zpci_rust_member *members, u32 count, struct shim_chain *chain);
/* VFIO_IOMMU_GET_INFO of type 1 with a buffer of @argsz bytes */
int shim_get_info(const struct zpci_rust_member *members, u32 count, u8 *buffer, u32 argsz);
/* Whether one more domain joins @before, up to 3, with a driver that lets in the first and the third alone */
int shim_may_join(u32 before, bool has_operation);
int shim_container_one_format(const struct zpci_rust_member *members, u32 count, u32 joining,
			      struct zpci_rust_refusal *refusal);
/* @buffer, of ZPCI_RUST_HARDWARE_SIZE bytes, is filled with 0xa5 before */
u32 shim_hardware_information(const struct zpci_rust_function *function, bool large, u8 *buffer);

#endif /* SHIM_H */
