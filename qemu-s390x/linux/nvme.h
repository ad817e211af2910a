/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * A small NVMe driver in user space, on a function in the hands of VFIO: every
 * command and every byte of data goes through addresses that were mapped here.
 */
#ifndef GUEST_NVME_H
#define GUEST_NVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

#define NVME_PAGE 4096
/* Most bytes of one read or write, what QEMU's controller takes. */
#define NVME_TRANSFER (512 * 1024)
/* Bytes of addresses that the queues take from where the controller starts. */
#define NVME_QUEUES (8 * NVME_PAGE)

struct nvme_queue {
	/* Submissions of 64 bytes and completions of 16, a page of each. */
	volatile uint8_t *submissions;
	volatile uint8_t *completions;
	unsigned int number, tail, head;
	/* Of the next completion: 1 in the first round. */
	unsigned int phase;
};

struct nvme {
	struct vfio *vfio;
	/* Where the queues are mapped. */
	uint64_t iova;
	uint8_t *memory;
	struct nvme_queue admin, io;
	/* Bytes between two doorbells. */
	unsigned int stride;
	uint16_t command;
};

enum nvme_result {
	/* Completed with status 0. */
	NVME_DONE,
	/* Completed with another status. */
	NVME_REFUSED,
	/* The controller has given up (CSTS.CFS) or is unreachable. */
	NVME_FATAL,
};

/*
 * Resets and enables the controller with queues at `iova` and the page after
 * it. Fails the case if it does not come up.
 */
void nvme_start(struct nvme *nvme, struct vfio *vfio, uint64_t iova);

/* Disables the controller and unmaps its queues. */
void nvme_stop(struct nvme *nvme);

/* Asks for the 4096 bytes about the controller. */
enum nvme_result nvme_identify(struct nvme *nvme, uint64_t iova);

/* Makes the queues for nvme_transfer(). */
void nvme_create_io_queues(struct nvme *nvme);

/*
 * Reads or writes `size` bytes, a multiple of a page and at most
 * NVME_TRANSFER, at byte `offset` of the first namespace; page i of the data
 * is at addresses[i].
 */
enum nvme_result nvme_transfer(struct nvme *nvme, bool write, uint64_t offset,
			       const uint64_t *addresses, size_t size);

/* Waits until the function answers after an error; fails the case otherwise. */
void nvme_wait(struct nvme *nvme);

/*
 * Resets the function, in error or not, and forgets the controller's queues.
 * Fails the case if it does not come back.
 */
void nvme_reset(struct nvme *nvme);

#endif
