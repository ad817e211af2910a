/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the files of kernel/ that run on a host take of Linux: allocation,
 * errors and lists.
 */
#ifndef KERNEL_STUB_H
#define KERNEL_STUB_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GFP_KERNEL		0
#define kvmalloc(size, flags)	((void)(flags), malloc(size))
#define kvfree(pointer)		free(pointer)
#define kfree(pointer)		free(pointer)
#define kcalloc(n, size, flags)	((void)(flags), calloc(n, size))

static inline size_t max3(size_t a, size_t b, size_t c)
{
	size_t most = a > b ? a : b;

	return most > c ? most : c;
}

#define IS_ERR(pointer)		((uintptr_t)(pointer) >= (uintptr_t)-4095)
#define ERR_PTR(error)		((void *)(intptr_t)(error))
#define PTR_ERR(pointer)	((int)(intptr_t)(pointer))

/* A list of which the elements are linked one way. */
struct list_head {
	struct list_head *next;
};

#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))

#define list_for_each_entry(entry, head, member)                              \
	for ((entry) = container_of((head)->next, __typeof__(*(entry)), member); \
	     &(entry)->member != (head);                                      \
	     (entry) = container_of((entry)->member.next, __typeof__(*(entry)), member))

#define list_first_entry_or_null(head, type, member) \
	((head)->next == (head) ? NULL : container_of((head)->next, type, member))

static inline size_t list_count_nodes(struct list_head *head)
{
	struct list_head *at;
	size_t count = 0;

	for (at = head->next; at != head; at = at->next)
		count++;
	return count;
}

#endif /* KERNEL_STUB_H */
