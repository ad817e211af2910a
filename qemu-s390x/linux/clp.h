/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the machine answers to queries through /dev/clp. */
#ifndef GUEST_CLP_H
#define GUEST_CLP_H

#include <stddef.h>
#include <stdint.h>

/* A response as the machine stored it: big-endian. */
struct clp_response {
	uint8_t bytes[512];
};

/* QUERY PCI FN and QUERY PCI FNGRP. Fail the case if the answer is not OK. */
void clp_query_function(struct clp_response *response, uint32_t handle);
void clp_query_group(struct clp_response *response, uint8_t group);

uint16_t clp_half(const struct clp_response *response, size_t offset);
uint32_t clp_word(const struct clp_response *response, size_t offset);
uint64_t clp_doubleword(const struct clp_response *response, size_t offset);

#endif
