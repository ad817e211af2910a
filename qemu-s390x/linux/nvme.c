// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "nvme.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"

/* Registers of BAR 0 (NVM Express base specification, 3.1). */
#define CAP 0x00
#define VS 0x08
#define CC 0x14
#define CSTS 0x1c
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define DOORBELLS 0x1000

#define CC_ENABLE (1 | 6 << 16 | 4 << 20)
#define CSTS_READY 1
#define CSTS_FATAL 2
/* What a function that does not answer reads as. */
#define UNREACHABLE 0xffffffff

/* Opcodes. */
#define CREATE_SUBMISSION_QUEUE 0x01
#define CREATE_COMPLETION_QUEUE 0x05
#define IDENTIFY 0x06
#define WRITE 0x01
#define READ 0x02

/* Entries of each queue, all in one page. */
#define ENTRIES 32

/* Pages of the storage that is mapped at `iova`. */
enum { ADMIN_SQ, ADMIN_CQ, IO_SQ, IO_CQ, PRP_LIST, PAGES };

#define SECTOR 512

struct command {
	uint8_t opcode;
	uint32_t namespace;
	uint64_t prp1, prp2;
	uint32_t words[6];
};

static uint32_t read_register(struct nvme *nvme, unsigned int offset)
{
	return vfio_read32(nvme->vfio, VFIO_PCI_BAR0_REGION_INDEX, offset);
}

static void write_register(struct nvme *nvme, unsigned int offset,
			   uint32_t value)
{
	vfio_write32(nvme->vfio, VFIO_PCI_BAR0_REGION_INDEX, offset, value);
}

static void write_register64(struct nvme *nvme, unsigned int offset,
			     uint64_t value)
{
	write_register(nvme, offset, value);
	write_register(nvme, offset + 4, value >> 32);
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* Waits until CSTS.RDY is as wanted. */
static void wait_ready(struct nvme *nvme, uint32_t ready)
{
	uint64_t end = milliseconds() + 5000;
	uint32_t status;

	do {
		status = read_register(nvme, CSTS);
		if (status != UNREACHABLE && (status & CSTS_READY) == ready)
			return;
	} while (milliseconds() < end);
	check_that(false, "CSTS is %#x", status);
}

static void start_queue(struct nvme_queue *queue, uint8_t *memory,
			unsigned int number, unsigned int first_page)
{
	queue->submissions = memory + first_page * NVME_PAGE;
	queue->completions = memory + (first_page + 1) * NVME_PAGE;
	queue->number = number;
	queue->tail = 0;
	queue->head = 0;
	queue->phase = 1;
}

void nvme_start(struct nvme *nvme, struct vfio *vfio, uint64_t iova)
{
	uint32_t high;

	memset(nvme, 0, sizeof(*nvme));
	nvme->vfio = vfio;
	nvme->iova = iova;
	nvme->memory = mmap(NULL, PAGES * NVME_PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(nvme->memory != MAP_FAILED);
	check_call(vfio_map(vfio, nvme->memory, iova, PAGES * NVME_PAGE,
			    VFIO_READ_WRITE));
	/* Memory space and bus mastering. */
	vfio_write_config16(vfio, 4, vfio_read_config16(vfio, 4) | 6);

	high = read_register(nvme, CAP + 4);
	nvme->stride = 4 << (high & 0xf);
	write_register(nvme, CC, 0);
	wait_ready(nvme, 0);
	start_queue(&nvme->admin, nvme->memory, 0, ADMIN_SQ);
	write_register(nvme, AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	write_register64(nvme, ASQ, iova + ADMIN_SQ * NVME_PAGE);
	write_register64(nvme, ACQ, iova + ADMIN_CQ * NVME_PAGE);
	write_register(nvme, CC, CC_ENABLE);
	wait_ready(nvme, CSTS_READY);
}

static void forget_queues(struct nvme *nvme)
{
	uint64_t unmapped;

	check_call(vfio_unmap(nvme->vfio, nvme->iova, PAGES * NVME_PAGE,
			      &unmapped));
	check_equal(unmapped, PAGES * NVME_PAGE);
	munmap(nvme->memory, PAGES * NVME_PAGE);
}

void nvme_stop(struct nvme *nvme)
{
	write_register(nvme, CC, 0);
	wait_ready(nvme, 0);
	forget_queues(nvme);
}

static void put32(volatile uint8_t *at, uint32_t value)
{
	*(volatile uint32_t *)at = htole32(value);
}

static uint32_t get32(const volatile uint8_t *at)
{
	return le32toh(*(const volatile uint32_t *)at);
}

static void ring(struct nvme *nvme, const struct nvme_queue *queue,
		 unsigned int completion, uint32_t value)
{
	write_register(nvme,
		       DOORBELLS + (2 * queue->number + completion) *
					   nvme->stride,
		       value);
}

static enum nvme_result wait_completion(struct nvme *nvme,
					struct nvme_queue *queue)
{
	const volatile uint8_t *entry = queue->completions + queue->head * 16;
	uint64_t end = milliseconds() + 3000;
	uint32_t result;

	while (((result = get32(entry + 12)) >> 16 & 1) != queue->phase) {
		uint32_t status = read_register(nvme, CSTS);

		if (status == UNREACHABLE || status & CSTS_FATAL)
			return NVME_FATAL;
		check_that(milliseconds() < end,
			   "command %u is not completed, CSTS is %#x",
			   nvme->command, status);
	}
	check_equal(result & 0xffff, nvme->command);
	if (++queue->head == ENTRIES) {
		queue->head = 0;
		queue->phase ^= 1;
	}
	ring(nvme, queue, 1, queue->head);
	return result >> 17 ? NVME_REFUSED : NVME_DONE;
}

static enum nvme_result execute(struct nvme *nvme, struct nvme_queue *queue,
				const struct command *command)
{
	volatile uint8_t *entry = queue->submissions + queue->tail * 64;

	put32(entry, command->opcode | (uint32_t)++nvme->command << 16);
	put32(entry + 4, command->namespace);
	for (unsigned int offset = 8; offset < 24; offset += 4)
		put32(entry + offset, 0);
	put32(entry + 24, command->prp1);
	put32(entry + 28, command->prp1 >> 32);
	put32(entry + 32, command->prp2);
	put32(entry + 36, command->prp2 >> 32);
	for (unsigned int i = 0; i < 6; i++)
		put32(entry + 40 + 4 * i, command->words[i]);
	queue->tail = (queue->tail + 1) % ENTRIES;
	__sync_synchronize();
	ring(nvme, queue, 0, queue->tail);
	return wait_completion(nvme, queue);
}

enum nvme_result nvme_identify(struct nvme *nvme, uint64_t iova)
{
	const struct command command = {
		.opcode = IDENTIFY,
		.prp1 = iova,
		/* The controller itself. */
		.words = { 1 },
	};

	return execute(nvme, &nvme->admin, &command);
}

void nvme_create_io_queues(struct nvme *nvme)
{
	struct command command = {
		.opcode = CREATE_COMPLETION_QUEUE,
		.prp1 = nvme->iova + IO_CQ * NVME_PAGE,
		/* Contiguous, without interrupts. */
		.words = { (ENTRIES - 1) << 16 | 1, 1 },
	};

	start_queue(&nvme->io, nvme->memory, 1, IO_SQ);
	check_equal(execute(nvme, &nvme->admin, &command), NVME_DONE);
	command.opcode = CREATE_SUBMISSION_QUEUE;
	command.prp1 = nvme->iova + IO_SQ * NVME_PAGE;
	command.words[1] = 1 << 16 | 1;
	check_equal(execute(nvme, &nvme->admin, &command), NVME_DONE);
}

enum nvme_result nvme_transfer(struct nvme *nvme, bool write, uint64_t offset,
			       const uint64_t *addresses, size_t size)
{
	uint64_t *list = (uint64_t *)(nvme->memory + PRP_LIST * NVME_PAGE);
	size_t pages = size / NVME_PAGE;
	struct command command = {
		.opcode = write ? WRITE : READ,
		.namespace = 1,
		.prp1 = addresses[0],
		.words = { offset / SECTOR, offset / SECTOR >> 32,
			   size / SECTOR - 1 },
	};

	check(size && size % NVME_PAGE == 0 && size <= NVME_TRANSFER);
	if (pages == 2)
		command.prp2 = addresses[1];
	if (pages > 2) {
		command.prp2 = nvme->iova + PRP_LIST * NVME_PAGE;
		for (size_t i = 1; i < pages; i++)
			list[i - 1] = htole64(addresses[i]);
	}
	return execute(nvme, &nvme->io, &command);
}

void nvme_wait(struct nvme *nvme)
{
	uint64_t end = milliseconds() + 10000;

	while (read_register(nvme, VS) == UNREACHABLE) {
		check_that(milliseconds() < end,
			   "the function does not answer after an error");
		usleep(10000);
	}
}

void nvme_reset(struct nvme *nvme)
{
	uint64_t end = milliseconds() + 10000;

	/* Not while the kernel looks at an error. */
	while (ioctl(nvme->vfio->device, VFIO_DEVICE_RESET) < 0) {
		check_that(errno == EAGAIN && milliseconds() < end,
			   "reset: %m");
		usleep(10000);
	}
	check(read_register(nvme, VS) != UNREACHABLE);
	forget_queues(nvme);
}
