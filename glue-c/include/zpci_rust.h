/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * The boundary between the zPCI crates and C.
 *
 * The first part is implemented in Rust, the second one in C. Ranges are
 * inclusive: first and last byte. Addresses are absolute unless named IOVA.
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef ZPCI_RUST_H
#define ZPCI_RUST_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
#endif

#define ZPCI_RUST_PHYSICAL		0x01	/* is a physical function */
#define ZPCI_RUST_RID			0x02	/* has a routing identifier */
#define ZPCI_RUST_TID			0x04	/* has a topology identifier */
#define ZPCI_RUST_UTILITY_STRING	0x08	/* has a utility string */
#define ZPCI_RUST_MIO			0x10	/* can do mapped I/O */
#define ZPCI_RUST_REFRESH		0x20	/* refresh also on invalid to valid */
#define ZPCI_RUST_RELAXED_TRANSLATION	0x40	/* may do without translation */

/* What CLP reports of a function and its group */
struct zpci_rust_function {
	u64 start_dma;
	u64 end_dma;			/* inclusive */
	u64 dasm;
	u64 msi_address;
	u64 mio_write_back[6];		/* where mio_bars says so */
	u64 mio_write_through[6];
	u32 id;
	u32 uid;
	u32 handle;
	u32 gisa;			/* not from CLP: set by the user */
	u32 bars[6];
	u16 vfn;
	u16 pchid;
	u16 fmb_length;			/* bytes */
	u16 rid;
	u16 tid;
	u16 max_interrupts;
	u16 max_store_block;		/* bytes */
	u16 measurement_interval;	/* milliseconds */
	u8 group;
	u8 function_type;
	u8 port;
	u8 fidparm;
	u8 designation_types;		/* as the machine stored them */
	u8 version;
	u8 mio_bars;			/* bit n for BAR n */
	u8 flags;
	u8 bar_size_log2[6];		/* 0: no such BAR */
	u8 internal_path[4];
	u8 directed_interrupts;		/* not from CLP: MSIs may name a processor */
	u8 roots;			/* not from CLP: those of designation_types to be used */
	u8 reserved[4];			/* zero */
	u8 utility_string[64];		/* EBCDIC */
};

/* First and last byte; empty if last is less than start */
struct zpci_rust_range {
	u64 start;
	u64 last;
};

#define ZPCI_RUST_LIMITS_REFRESH		0x01	/* refresh also on invalid to valid */
#define ZPCI_RUST_LIMITS_RELAXED_TRANSLATION	0x02	/* may do without translation */

/* What a function takes for translation, as CLP reported it */
struct zpci_rust_limits {
	u64 start_dma;
	u64 end_dma;			/* inclusive */
	u8 designation_types;		/* as the machine stored them */
	u8 function_type;
	u8 flags;
	u8 roots;			/* those of designation_types to be used */
	u8 reserved[4];			/* zero */
};

/* Translation tables of a domain: Rust's own */
struct zpci_rust_table {
	u64 opaque[4];
};

/* The table at the root of translation tables */
struct zpci_rust_root {
	u64 origin;
	u8 designation_type;
	u8 large;			/* frames of 1 MiB may be used below it */
	u8 reserved[6];
};

/* What an unmap found */
struct zpci_rust_unmapped {
	struct zpci_rust_range range;	/* from the first page that was mapped to the last */
	u64 pages;			/* how many pages of 4 KiB were mapped */
};

/* Tables that were taken out; zero, or filled by zpci_rust_reclaim() */
struct zpci_rust_reclaimed {
	u64 list[2];			/* Rust's own; the first is 0 if there are none */
	struct zpci_rust_range span;
};

/* A function and its translation: Rust's own */
struct zpci_rust_attachment {
	u64 opaque[9];
};

/* What the last MPCIFC answered; zeros if none was issued */
struct zpci_rust_outcome {
	u8 cc;
	u8 status;
};

/*
 * A function of a container, the table that it is registered with, and the
 * addresses that are registered for it
 */
struct zpci_rust_member {
	struct zpci_rust_function function;
	struct zpci_rust_root root;
	u64 start;
	u64 last;
};

#define ZPCI_RUST_REFUSED_DESIGNATION_TYPES	1
#define ZPCI_RUST_REFUSED_FRAME_SIZES		2
#define ZPCI_RUST_REFUSED_RELAXED_TRANSLATION	3

/* How the table of a function differs from those of a container */
struct zpci_rust_refusal {
	u64 wanted;			/* what the container has, as a mask */
	u64 found;
	u32 id;				/* of the function */
	u32 reason;
};

#define ZPCI_RUST_HARDWARE_SIZE		32	/* bytes of struct iommu_hw_info_zpci */
#define ZPCI_RUST_SAMPLE_SIZE		88	/* bytes of struct vfio_device_feature_zpci_sample */

/*
 * Implemented in Rust
 */

/*
 * Tables. @aperture_bytes is how many bytes of a function's window are wanted.
 * What has @gfp allocates as it says; nothing else does. Calls for disjoint
 * ranges may run at the same time.
 */
int zpci_rust_table_init(struct zpci_rust_table *table, u64 base,
			 const struct zpci_rust_limits *limits,
			 u64 aperture_bytes, bool large, u32 gfp);
/*
 * Frees tables until @enough are freed; whether that was all, the root
 * included. Up to 2,048 more are, since a segment table goes with all below it.
 */
bool zpci_rust_table_free(struct zpci_rust_table *table, u32 enough);
void zpci_rust_table_root(const struct zpci_rust_table *table, struct zpci_rust_root *root);
u64 zpci_rust_table_last(const struct zpci_rust_table *table);
/*
 * A page where that takes one store: 1. Otherwise 0, nothing changed and
 * zpci_rust_map() does it. @origin also has ZPCI_RUST_READ_ONLY where it applies.
 */
#define ZPCI_RUST_READ_ONLY	0x200
u64 zpci_rust_map_page(const struct zpci_rust_table *table, u64 iova, u64 origin);
int zpci_rust_map(const struct zpci_rust_table *table, u64 iova, u64 origin,
		  u64 size, bool writable, u32 gfp);
/* A page where that takes one store: 1. Otherwise 0, nothing changed and zpci_rust_unmap() does it */
u64 zpci_rust_unmap_page(const struct zpci_rust_table *table, u64 iova);
/*
 * -EINVAL if refused, as a range is that cuts a frame of 1 MiB; -ENOENT if some
 * of it was not mapped, and nothing of it is any more. @unmapped is filled in
 * any case: its range has to be refreshed before anything that was mapped is
 * used for something else.
 */
int zpci_rust_unmap(const struct zpci_rust_table *table, u64 iova, u64 size,
		    struct zpci_rust_unmapped *unmapped);
/*
 * Makes pages of the frames of 1 MiB that the range cuts. @split is filled in
 * any case, and has to be refreshed before anything of the range is unmapped.
 */
int zpci_rust_split(const struct zpci_rust_table *table, u64 iova, u64 size,
		    struct zpci_rust_range *split, u32 gfp);
/* 0 if not mapped. In an RCU read-side section, or by the owner of the address */
u64 zpci_rust_translate(const struct zpci_rust_table *table, u64 iova);

/*
 * Takes the tables out that are empty after an unmap of the range, which has
 * been refreshed and belongs to the caller. The span has to be refreshed for
 * every function, with success, and a grace period has to pass, before they are
 * freed; until then nothing may be written to them.
 */
void zpci_rust_reclaim(const struct zpci_rust_table *table, u64 start, u64 last,
		       struct zpci_rust_reclaimed *reclaimed);
/* Adds the tables of @from, which is used up, to those of @into; either may have none */
void zpci_rust_reclaimed_join(struct zpci_rust_reclaimed *into,
			      const struct zpci_rust_reclaimed *from, u64 base);
/* Frees at most @most of them, and @reclaimed is the rest; whether none is left */
bool zpci_rust_reclaimed_free(struct zpci_rust_reclaimed *reclaimed, u64 base, u32 most);

/* What no table of a function serves (at most 2 ranges; their number) */
u32 zpci_rust_reserved(const struct zpci_rust_limits *limits, u64 aperture_bytes,
		       struct zpci_rust_range *reserved);
/* Whether interrupts are written to addresses of the aperture, and to which */
bool zpci_rust_interrupts(const struct zpci_rust_function *function,
			  u64 aperture_bytes, struct zpci_rust_range *interrupts);
/* Whether the refresh after an unmap may be put off */
bool zpci_rust_may_defer(const struct zpci_rust_limits *limits);

/*
 * Attachments. An attachment is on the list of its domain from before
 * zpci_rust_attach(), with a full barrier in between, until zpci_rust_detach()
 * returned 0 or the function was disabled. No table is none: no translation.
 *
 * zpci_rust_attach() and zpci_rust_detach() may sleep, one at a time for a
 * function. A function that is gone or being recovered attaches without error.
 * If zpci_rust_detach() fails the function is still registered; -EAGAIN if its
 * recovery, which disables it, ends that.
 */
int zpci_rust_attachment_init(struct zpci_rust_attachment *attachment,
			      const struct zpci_rust_limits *limits, u64 aperture_bytes,
			      const struct zpci_rust_table *table, void *gate);
void zpci_rust_attachment_aperture(const struct zpci_rust_attachment *attachment,
				   struct zpci_rust_range *aperture);
int zpci_rust_attach(const struct zpci_rust_attachment *attachment, u32 handle,
		     u32 gisa, struct zpci_rust_outcome *outcome);
/*
 * After zpci_rust_attach(), in an RCU read-side section: some of what was
 * mapped before, from *@iova on. 1 if there may be more, from the new *@iova on;
 * *@waited is how long the machine was busy in all.
 */
int zpci_rust_catch_up(const struct zpci_rust_attachment *attachment,
		       const struct zpci_rust_table *table, u64 *iova, u64 *waited);
/* By the handle it was registered with, or for @handle where it is not */
int zpci_rust_detach(const struct zpci_rust_attachment *attachment, u32 handle,
		     u32 gisa, struct zpci_rust_outcome *outcome);
void zpci_rust_disabled(const struct zpci_rust_attachment *attachment);
bool zpci_rust_is_registered(const struct zpci_rust_attachment *attachment);
/* Whether a refresh failed that no later one made up for */
bool zpci_rust_is_stale(const struct zpci_rust_attachment *attachment);

/*
 * Refresh, for each attachment of a domain, in any context: the first step
 * behind the gate, which is passed before and left afterwards, with a full
 * barrier between the change at @start and the gate.
 */
#define ZPCI_RUST_STEP_MORE	0x10000	/* no answer of RPCIT, and less than a handle */
/*
 * 0 for nothing at all, ZPCI_RUST_STEP_MORE, or the handle to issue RPCIT of
 * that range with: the one that the function was registered with.
 */
u64 zpci_rust_first_step(const struct zpci_rust_attachment *attachment, u64 start, u64 last);
/*
 * The rest, outside of the gate: @step is ZPCI_RUST_STEP_MORE, or an answer of
 * that RPCIT that is not 0. -ENOMEM if the machine is out of resources. A
 * function that is gone or not registered is no error. After an error the
 * function may use old entries.
 */
int zpci_rust_unmapped(const struct zpci_rust_attachment *attachment, u64 start, u64 last,
		       u32 step);
int zpci_rust_refresh_all(const struct zpci_rust_attachment *attachment);
/* After mapping. A function in error or recovery is no error either. */
int zpci_rust_mapped(const struct zpci_rust_attachment *attachment, u64 start, u64 last,
		     u32 step);

/*
 * CLP. @block is a page. zpci_rust_list() and zpci_rust_find() follow a list for
 * 65535 entries, so they issue at most 65536 commands. zpci_rust_find() also
 * reports whether UIDs are unique, and does not sleep. zpci_rust_query() fails
 * with -EIO if the function with @handle is not @id.
 *
 * zpci_rust_enable() and zpci_rust_disable() also return response codes and
 * condition codes, which are positive, and may sleep. zpci_rust_enable() always writes the handle that the
 * function has afterwards to @now. On failure a function that was enabled on the
 * way is disabled again. A handle with the enable bit in @now says that it may be
 * enabled all the same: the machine refused to disable it, or did not say which
 * handle it has. zpci_rust_disable() writes on success only.
 *
 * zpci_rust_write_back() returns a bit position, 64 for none.
 */
int zpci_rust_list(void *block, void *context);
int zpci_rust_find(void *block, u32 id, u32 *handle, bool *configured);
int zpci_rust_query(void *block, u32 id, u32 handle,
		    struct zpci_rust_function *function);
int zpci_rust_enable(void *block, u32 handle, u8 spaces, u32 gisa, bool mio,
		     u32 *now);
int zpci_rust_disable(void *block, u32 handle, u32 *disabled);
int zpci_rust_write_back(void *block);

/* Commands of user space */
int zpci_rust_user_call(u8 processor, void *block);
int zpci_rust_user_installed(u64 *installed);

/*
 * Hands the capabilities of VFIO_DEVICE_GET_INFO to
 * zpci_rust_add_capability(); the first error of that. @error_event_size: bytes
 * of an error event that user space can read, 0 if it cannot; @proposed: in the
 * versions that are only proposed to Linux
 */
int zpci_rust_vfio_capabilities(const struct zpci_rust_function *function,
				u64 aperture, u32 error_event_size, int proposed,
				void *chain);

/*
 * Containers: domains that are mapped together. The members of a domain are one
 * behind the other. The capabilities go to zpci_rust_add_capability() and
 * zpci_rust_add_entry(), those that grow with the number of members last; the
 * first error of these is returned.
 */
int zpci_rust_container_capabilities(const struct zpci_rust_member *members,
				     u32 count, void *chain);
/*
 * Whether the members from index @joining on leave the container of those before
 * them with one format of tables; else -EINVAL and why not
 */
int zpci_rust_container_one_format(const struct zpci_rust_member *members,
				   u32 count, u32 joining,
				   struct zpci_rust_refusal *refusal);
/* struct iommu_hw_info_zpci; @large: frames of 1 MiB are used. Its bytes, 0 if it does not apply */
u32 zpci_rust_hardware_information(const struct zpci_rust_function *function,
				   bool large, u8 *buffer);
/*
 * struct vfio_device_feature_zpci_sample of the measurement block at @block,
 * which has @length bytes and is written by the machine every @interval
 * milliseconds; -EAGAIN if it is writing now, -EINVAL if it is too short
 */
int zpci_rust_sample(const u64 *block, u16 length, u32 interval, u8 *buffer);

/*
 * Implemented in C
 */

/*
 * Storage for a table, aligned to its size (2 KiB or 16 KiB): absolute address,
 * 0 if there is none
 */
u64 zpci_rust_allocate(u32 size, u32 gfp);
void zpci_rust_deallocate(u64 origin, u32 size);

/*
 * Instructions: condition code; 3 also for a program check of CLP. @block is a
 * page whose lengths of request and response end within it.
 */
u8 zpci_rust_call(u8 processor, void *block);
u8 zpci_rust_immediate(u64 command, u64 *result);
/* @again: the last answer to the same instruction was that the machine is busy */
u8 zpci_rust_mpcifc(u32 handle, u8 control, const void *fib, u8 *status, bool again);
/* The status is in the byte before that of the condition code */
u32 zpci_rust_rpcit(u64 start, u64 length, u32 handle, bool again);

/*
 * Pause after that many busy answers; whether to ask again. For RPCIT C keeps
 * in *@last when the last one came, which is 0 if another answer came since,
 * and in *@waited how long the machine was busy. Little is expected of one that
 * is @slow, having been busy for too long before.
 */
bool zpci_rust_pause_set(u32 busy);
/* Whether somebody waits to disable the function of the attachment with @gate, who is not to wait for long */
bool zpci_rust_wanted(const void *gate);
bool zpci_rust_pause_mpcifc(u32 busy);
bool zpci_rust_pause_rpcit(u32 busy, bool slow, u64 *last, u64 *waited);

/*
 * The gate of an attachment: many may pass it, or one may close it. Neither
 * sleeps, and interrupts are off behind it. The result is for the call that ends it.
 */
u64 zpci_rust_gate_shared(void *gate);
void zpci_rust_gate_shared_end(void *gate, u64 flags);
u64 zpci_rust_gate_exclusive(void *gate);
void zpci_rust_gate_exclusive_end(void *gate, u64 flags);

/* A function of the list; whether UIDs are unique; a command that failed */
void zpci_rust_listed(void *context, u32 id, u32 handle, bool configured);
void zpci_rust_uid_checking(bool on);
void zpci_rust_response(u16 command, u16 code, u8 condition);

/*
 * Takes a capability of VFIO, or the front of one: what it is, and the bytes
 * behind its header; takes an entry that belongs to the capability before it.
 * Both copy the bytes. The header, and what pads a capability, are the affair of C.
 */
int zpci_rust_add_capability(void *chain, u16 id, u16 version,
			     const void *data, size_t size);
int zpci_rust_add_entry(void *chain, const void *entry, size_t size);

/* Never called: the object refers to it nowhere */
void zpci_rust_panic(void) __attribute__((__noreturn__));

#endif /* ZPCI_RUST_H */
