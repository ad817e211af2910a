// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "answer.h"

#include "clp.h"

#define FUNCTION 0x40000000u
#define ANSWERS 0x50000000u
#define END 0x60000000u
#define SETS 0x70000000u
#define INDEX 0x00ffffffu

void answer_begin(uint32_t handle, const struct answer *answer)
{
	struct clp_response response;

	clp_query_function(&response, FUNCTION | (handle & INDEX));
	clp_query_function(&response, ANSWERS | answer->mpcifc << 24 |
					      answer->status << 16 |
					      answer->cc << 12 | answer->count);
}

void answer_set_begin(uint32_t handle, const struct set_answer *answer)
{
	struct clp_response response;

	clp_query_function(&response, FUNCTION | (handle & INDEX));
	clp_query_function(&response, SETS | (uint32_t)answer->operation << 24 |
					      (uint32_t)answer->count << 16 |
					      answer->code);
}

unsigned int answer_end(void)
{
	struct clp_response response;

	clp_query_function(&response, END);
	return clp_half(&response, 16);
}
