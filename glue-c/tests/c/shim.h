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
struct shim_function;

/* What the parameters of the kernel say */
void shim_settings(u64 aperture_bytes, bool large);
/* s390_iommu_large_frames=; whether there are frames of 1 MiB then */
bool shim_large_frames(const char *text, bool guest);
void shim_force_floating(bool force);
void shim_trust_dtsm(bool trust);
void shim_reclaims(bool reclaims);

/* A function that the kernel has found */
struct shim_function *shim_function_new(const struct zpci_rust_function *from);
void shim_function_free(struct shim_function *function);
void shim_function_handle(struct shim_function *function, u32 handle);
u32 shim_function_current(const struct shim_function *function);
/* It was disabled; it was enabled again: a condition code, or an error */
void shim_function_disabled(struct shim_function *function);
/* Somebody waits to disable it, or not any more */
void shim_function_wanted(struct shim_function *function, bool wanted);
bool shim_function_is_wanted(struct shim_function *function);
int shim_function_reset(struct shim_function *function, u8 *status);
/* Clears the error state of the function without a reset; a condition code */
u8 shim_function_clear_error(struct shim_function *function, u8 *status);
bool shim_function_blocked(struct shim_function *function);
int shim_probe(struct shim_function *function);
bool shim_may_defer(struct shim_function *function);
/* At most three ranges; their number */
u32 shim_reserved(struct shim_function *function, struct zpci_rust_range *ranges, u32 *interrupts);

/* A domain for @function; NULL, and the error in @rc */
struct shim_domain *shim_domain_new(struct shim_function *function, int *rc);
/* As the core makes one for drivers of devices, without a flush queue */
void shim_domain_of_dma_api(struct shim_domain *domain);
void shim_domain_free(struct shim_domain *domain);
void shim_grace_period(void);
u8 shim_domain_designation_type(const struct shim_domain *domain);
u64 shim_domain_origin(const struct shim_domain *domain);
u64 shim_domain_last(const struct shim_domain *domain);
/* Whether tables are kept that a function may still see */
bool shim_domain_keeps(const struct shim_domain *domain);
/* How many functions user space is told of */
u32 shim_domain_members(struct shim_domain *domain);

/* @domain may be NULL, for no translation */
int shim_attach(struct shim_domain *domain, struct shim_function *function);
/* Blocks its DMA: for a user or a reset, which may fail, and since the function goes */
int shim_detach(struct shim_function *function);
int shim_release(struct shim_function *function);

int shim_map(struct shim_domain *domain, u64 iova, u64 origin, u64 size, bool writable);
int shim_map_io(struct shim_domain *domain, u64 iova, u64 origin, u64 size);
/* @everything: functions for which all that they can address was refreshed */
int shim_sync_map(struct shim_domain *domain, u64 iova, u64 size, u32 *everything);
u64 shim_unmap(struct shim_domain *domain, u64 iova, u64 size, struct zpci_rust_range *changed,
	       u64 *pages);
/* An unmap and its sync, of the whole range if anything was mapped; the bytes that are not mapped any more */
u64 shim_unmap_and_sync(struct shim_domain *domain, u64 iova, u64 size);
/* As with a flush queue: what was unmapped is refreshed by shim_flush_all() */
u64 shim_unmap_queued(struct shim_domain *domain, u64 iova, u64 size);
/* The same as the core does both: in pieces, and with a range in which nothing was mapped */
u64 shim_unmap_by_core(struct shim_domain *domain, u64 iova, u64 size);
/* Two unmaps into one gather, and its sync; how many functions were refreshed, in all */
void shim_domain_counters(const struct shim_domain *domain, u64 *global, u64 *sync_map, u64 *sync);
u32 shim_unmap_twice(struct shim_domain *domain, u64 first, u64 second, u64 size);
void shim_sync(struct shim_domain *domain, u64 start, u64 last);
void shim_flush_all(struct shim_domain *domain);
u64 shim_translate(const struct shim_domain *domain, u64 iova);

/* Identifier, handle and state of the first @capacity of the @count functions that are new */
int shim_list(u32 *found, u32 capacity, u32 *count);
int shim_state(u32 id, u32 *state);
int shim_current_handle(u32 id, u32 *handle);
/* The bit in the mask that says write-back */
int shim_set_write_back(u64 *mask);
/* The handle is that which the kernel takes to be the function's then */
int shim_function_enable(struct shim_function *function, bool mio, u32 *handle);
int shim_function_disable(struct shim_function *function, u32 *handle);
/* Begins measurement for user space, or ends it; a sample of ZPCI_RUST_SAMPLE_SIZE bytes */
int shim_function_measure(struct shim_function *function, bool enable);
int shim_function_sample(struct shim_function *function, u8 *sample);
/* As VFIO closes the function and cannot reset it */
void shim_function_close(struct shim_function *function);
/* The kernel's own measurement, as when the function is enabled, or by debugfs */
int shim_function_statistics(struct shim_function *function, bool enable);
/* What the kernel has of the function is in @now then */
int shim_function_query(struct shim_function *function, struct zpci_rust_function *now);

int shim_find(u32 id, u32 *handle, bool *configured);
/* @function is filled with 0xa5 before */
int shim_query(u32 id, u32 handle, struct zpci_rust_function *function);
int shim_enable(u32 handle, u8 spaces, u32 gisa, bool mio, u32 *now);
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

int shim_vfio_capabilities(const struct zpci_rust_function *function, u64 aperture, u32 error_event_size,
			   int proposed, struct shim_chain *chain);
int shim_container_capabilities(const struct zpci_rust_member *members, u32 count, struct shim_chain *chain);
/* How many capabilities VFIO has storage for from now on, two of type 1 included */
void shim_info_accept(u32 accept);
/* VFIO_IOMMU_GET_INFO of type 1 with a buffer of @argsz bytes */
int shim_get_info(const struct zpci_rust_member *members, u32 count, u8 *buffer, u32 argsz);
/* Whether one more domain joins @before, up to 3, with a driver that lets in the first and the third alone */
int shim_may_join(u32 before, bool has_operation);
int shim_container_one_format(const struct zpci_rust_member *members, u32 count, u32 joining,
			      struct zpci_rust_refusal *refusal);
/* @buffer, of ZPCI_RUST_HARDWARE_SIZE bytes, is filled with 0xa5 before */
u32 shim_hardware_information(const struct zpci_rust_function *function, bool large, u8 *buffer);

#endif /* SHIM_H */
