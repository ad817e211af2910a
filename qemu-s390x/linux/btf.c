// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "btf.h"

#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ktap.h"

/* How many bytes belong to an entry behind its front. */
static size_t extra(const struct btf_type *type)
{
	size_t count = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * count;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * count;
	default:
		return 0;
	}
}

/* Reads all of a file, whose size is not known before. */
static char *read_all(const char *path, size_t *size)
{
	FILE *file = fopen(path, "r");
	size_t capacity = 1 << 20, length;
	char *bytes = NULL;

	check_that(file, "%s: %m", path);
	*size = 0;
	do {
		capacity *= 2;
		bytes = realloc(bytes, capacity);
		check(bytes);
		length = fread(bytes + *size, 1, capacity - *size, file);
		*size += length;
	} while (*size == capacity);
	fclose(file);
	return bytes;
}

unsigned int btf_count(unsigned int kind, const char *start)
{
	size_t size, at, end;
	char *bytes = read_all(BTF_FILE, &size);
	const struct btf_header *header = (const void *)bytes;
	const char *names;
	unsigned int found = 0;

	check(size > sizeof(*header) && header->magic == BTF_MAGIC);
	at = header->hdr_len + header->type_off;
	end = at + header->type_len;
	names = bytes + header->hdr_len + header->str_off;
	check(end <= size);
	check(names + header->str_len <= bytes + size);
	while (at < end) {
		const struct btf_type *type = (const void *)(bytes + at);

		check(type->name_off < header->str_len);
		found += BTF_INFO_KIND(type->info) == kind &&
			 !strncmp(names + type->name_off, start,
				  strlen(start));
		at += sizeof(*type) + extra(type);
	}
	/* Otherwise there is a kind that is not known here. */
	check_equal(at, end);
	free(bytes);
	return found;
}
