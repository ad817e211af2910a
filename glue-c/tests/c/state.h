/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * How the parts of the stand-in start over.
 */
#ifndef STATE_H
#define STATE_H

void storage_reset(void);
void storage_check(void);
void events_reset(void);
void machine_reset(void);

#endif /* STATE_H */
