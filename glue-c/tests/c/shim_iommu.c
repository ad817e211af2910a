// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * A domain and its functions, as kernel/iommu.c has them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "stand_in.h"

/* The numbers that the tests expect */
_Static_assert(EIO == 5 && ENOMEM == 12 && ENODEV == 19 && EINVAL == 22, "errno-base.h");
_Static_assert(EOPNOTSUPP == 95 && EADDRINUSE == 98, "errno.h");

#define FUNCTIONS	4
#define PAGE_TABLE	2048

struct attachment {
	u32 handle;
	bool refresh;
	u64 window[2];
};

struct shim_domain {
	struct zpci_rust_table table;
	struct attachment attachments[FUNCTIONS];
	u32 count;
	struct reclaimed *waiting;
};

/* What a list of reclaimed tables is used for while it waits: all of the bytes that are free for use */
struct reclaimed {
	u64 link;
	u64 list;
	struct reclaimed *next;
	u8 rest[40];
};

_Static_assert(sizeof(struct reclaimed) == 64, "what is free of a table");

struct shim_domain *shim_domain_new(const struct zpci_rust_function *function, u64 aperture, bool large, int *rc)
{
	struct shim_domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		abort();
	*rc = zpci_rust_table_init(&domain->table, stand_in_base(), function, aperture, large, SHIM_GFP_INIT);
	if (*rc) {
		free(domain);
		return NULL;
	}
	return domain;
}

void shim_domain_free(struct shim_domain *domain)
{
	shim_grace_period(domain);
	zpci_rust_table_free(&domain->table);
	free(domain);
}

u64 shim_domain_origin(const struct shim_domain *domain)
{
	return domain->table.origin;
}

u64 shim_domain_last(const struct shim_domain *domain)
{
	return zpci_rust_table_last(&domain->table);
}

int shim_attach(struct shim_domain *domain, const struct zpci_rust_function *function, u64 aperture, u8 answer[2])
{
	const struct zpci_rust_table *table = domain ? &domain->table : NULL;
	struct attachment *attachment;
	int rc;

	rc = zpci_rust_can_attach(function, aperture, table);
	if (rc)
		return rc;
	rc = zpci_rust_register(function, aperture, table, answer);
	if (rc || !domain)
		return rc;
	if (domain->count == FUNCTIONS)
		abort();
	attachment = &domain->attachments[domain->count++];
	attachment->handle = function->handle;
	attachment->refresh = function->flags & ZPCI_RUST_REFRESH;
	zpci_rust_window(function, aperture, attachment->window);
	rc = zpci_rust_refresh_attached(function, aperture, table);
	if (!rc || answer[0])
		return 0;
	shim_detach(domain, function->handle, function->gisa);
	return rc;
}

int shim_detach(struct shim_domain *domain, u32 handle, u32 gisa)
{
	u32 i;

	for (i = 0; domain && i < domain->count; i++) {
		if (domain->attachments[i].handle == handle)
			domain->attachments[i] = domain->attachments[--domain->count];
	}
	return zpci_rust_deregister(handle, gisa);
}

int shim_map(struct shim_domain *domain, u64 iova, u64 origin, u64 size, bool writable)
{
	return zpci_rust_map(&domain->table, iova, origin, size, writable, SHIM_GFP_MAP);
}

int shim_sync_map(struct shim_domain *domain, u64 iova, u64 size, u32 *everything)
{
	const struct attachment *attachment;
	int rc, result = 0;
	u32 i;

	*everything = 0;
	for (i = 0; i < domain->count; i++) {
		attachment = &domain->attachments[i];
		if (!attachment->refresh)
			continue;
		rc = zpci_rust_refresh_mapped(attachment->handle, iova, iova + size - 1,
					      attachment->window[0], attachment->window[1]);
		if (rc > 0)
			++*everything;
		else if (!result)
			result = rc;
	}
	return result;
}

u64 shim_unmap(struct shim_domain *domain, u64 iova, u64 size, u64 changed[2], u64 *pages)
{
	struct zpci_rust_unmapped unmapped;
	u64 done = zpci_rust_unmap(&domain->table, iova, size, &unmapped, SHIM_GFP_UNMAP);

	changed[0] = unmapped.start;
	changed[1] = unmapped.last;
	*pages = unmapped.pages;
	return done;
}

static void refresh(const struct shim_domain *domain, u64 start, u64 last)
{
	u32 i;

	for (i = 0; i < domain->count; i++)
		zpci_rust_refresh(domain->attachments[i].handle, start, last);
}

bool shim_sync(struct shim_domain *domain, u64 start, u64 last)
{
	struct reclaimed *reclaimed;
	u64 list, span[2];

	refresh(domain, start, last);
	list = zpci_rust_reclaim(&domain->table, start, last, span);
	if (!list)
		return false;
	refresh(domain, span[0], span[1]);
	reclaimed = (struct reclaimed *)(uintptr_t)((list & ~(PAGE_TABLE - 1ULL)) + stand_in_base());
	memset(&reclaimed->list, 0, sizeof(*reclaimed) - sizeof(reclaimed->link));
	reclaimed->list = list;
	reclaimed->next = domain->waiting;
	domain->waiting = reclaimed;
	return true;
}

void shim_grace_period(struct shim_domain *domain)
{
	struct reclaimed *reclaimed;

	while (domain->waiting) {
		reclaimed = domain->waiting;
		domain->waiting = reclaimed->next;
		zpci_rust_reclaimed_free(reclaimed->list, domain->table.base);
	}
}

u64 shim_translate(const struct shim_domain *domain, u64 iova)
{
	return zpci_rust_translate(&domain->table, iova);
}

int shim_window(const struct zpci_rust_function *function, u64 aperture, u64 window[2])
{
	return zpci_rust_window(function, aperture, window);
}

u32 shim_reserved(const struct zpci_rust_function *function, u64 aperture, u64 reserved[2][2])
{
	return zpci_rust_reserved(function, aperture, reserved);
}

bool shim_interrupts(const struct zpci_rust_function *function, u64 aperture, u64 interrupts[2])
{
	return zpci_rust_interrupts(function, aperture, interrupts);
}

int shim_refresh_all(u32 handle, u64 start, u64 last)
{
	return zpci_rust_refresh_all(handle, start, last);
}

int shim_refresh(u32 handle, u64 start, u64 last)
{
	return zpci_rust_refresh(handle, start, last);
}

int shim_refresh_mapped(u32 handle, u64 start, u64 last, u64 first, u64 end)
{
	return zpci_rust_refresh_mapped(handle, start, last, first, end);
}

bool shim_may_defer(u8 function_type)
{
	return zpci_rust_may_defer(function_type);
}
