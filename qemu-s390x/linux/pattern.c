// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "pattern.h"

#include <endian.h>

void pattern_fill(void *data, size_t size, uint64_t offset, uint64_t pattern)
{
	uint64_t *words = data;

	for (size_t i = 0; i < size / 8; i++)
		words[i] = htobe64((offset + i * 8) ^ pattern);
}

ssize_t pattern_compare(const void *data, size_t size, uint64_t offset,
			uint64_t pattern)
{
	const uint64_t *words = data;

	for (size_t i = 0; i < size / 8; i++)
		if (be64toh(words[i]) != ((offset + i * 8) ^ pattern))
			return i * 8;
	return -1;
}

ssize_t pattern_compare_any(const void *data, size_t size, uint64_t offset)
{
	const uint64_t *words = data;

	for (size_t i = 0; i < size / 8; i++) {
		uint64_t word = be64toh(words[i]) ^ (offset + i * 8);

		if (word != PATTERN_INITIAL && word != PATTERN_WRITTEN)
			return i * 8;
	}
	return -1;
}
