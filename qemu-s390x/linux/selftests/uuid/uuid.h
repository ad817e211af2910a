/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the self-tests use of libuuid. */
#ifndef SELFTESTS_UUID_H
#define SELFTESTS_UUID_H

#include <ctype.h>
#include <stdlib.h>

typedef unsigned char uuid_t[16];

/* Reads 36 characters, 8-4-4-4-12 hexadecimal digits. Returns 0 or -1. */
static inline int uuid_parse(const char *text, uuid_t uuid)
{
	for (int i = 0; i < 16; i++) {
		char digits[3];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*text++ != '-')
				return -1;
		if (!isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]))
			return -1;
		digits[0] = *text++;
		digits[1] = *text++;
		digits[2] = 0;
		uuid[i] = strtoul(digits, NULL, 16);
	}
	return *text ? -1 : 0;
}

#endif
