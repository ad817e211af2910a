// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's profiler sees the driver's Rust, and who called it: what
 * `perf record -e cpu-clock -g` samples, by the same system call.
 */

#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../disk.h"
#include "../symbol.h"
#include "suites.h"

/* Samples a second that are asked for. */
#define FREQUENCY 10000
/* Pages of the ring, a power of two. */
#define RING_PAGES 64
/* How many samples in Rust are enough, and how often work is done for them. */
#define ENOUGH 20
#define ROUNDS 400
/* Functions of the driver and of its callers. */
#define RANGES 8192
/* The most processors that are profiled. */
#define PROCESSORS 16
/* What is written to the disk at once, in bytes. */
#define BLOCK 65536

enum kind { OTHER, RUST, CALLER };

/* A function of the kernel: from `start`, to `end` exclusive. */
struct function_range {
	uint64_t start, end;
	enum kind kind;
	char name[96];
};

static struct function_range functions[RANGES];
static size_t function_count;

static struct disk disks[DISKS];

static bool begins_with(const char *name, const char *start)
{
	return !strncmp(name, start, strlen(start));
}

/* What a function is, by its name as rustc or the C compiler have it. */
static enum kind kind_of(const char *name)
{
	/* A function that has no frame hides who called it, not who called that. */
	static const char *const callers[] = { "zpci_", "iommu_", "__iommu_",
					       "dma_", "nvme_" };

	if (begins_with(name, "zpci_rust_"))
		return RUST;
	for (size_t i = 0; i < SYMBOL_CRATES; i++)
		if (symbol_is_of(name, symbol_crates[i]))
			return RUST;
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++)
		if (begins_with(name, callers[i]))
			return CALLER;
	return OTHER;
}

/* Stores those functions of the kernel that are not OTHER. */
static void read_functions(void)
{
	FILE *list = fopen("/proc/kallsyms", "r");
	struct function_range *open = NULL;
	char line[1024], name[sizeof(line)], type;
	unsigned long long address;

	check_that(list, "kallsyms: %m");
	/* By address. A function ends where the next begins. */
	while (fgets(line, sizeof(line), list)) {
		enum kind kind;

		if (sscanf(line, "%llx %c %1023s", &address, &type, name) != 3)
			continue;
		if (open && address > open->start) {
			open->end = address;
			open = NULL;
		}
		if ((type != 't' && type != 'T') || open || !address)
			continue;
		kind = kind_of(name);
		if (kind == OTHER)
			continue;
		check_that(function_count < RANGES, "too many functions");
		open = &functions[function_count++];
		open->start = address;
		open->kind = kind;
		snprintf(open->name, sizeof(open->name), "%.95s", name);
	}
	fclose(list);
	if (open)
		open->end = open->start;
}

static const struct function_range *function_at(uint64_t address)
{
	for (size_t i = 0; i < function_count; i++)
		if (address >= functions[i].start && address < functions[i].end)
			return &functions[i];
	return NULL;
}

static enum kind kind_at(uint64_t address)
{
	const struct function_range *found = function_at(address);

	return found ? found->kind : OTHER;
}

/* A ring of samples, whose first page says what is in it. */
struct ring {
	struct perf_event_mmap_page *page;
	const char *data;
	uint64_t size;
};

/* PERF_RECORD_SAMPLE of PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN. */
struct sample {
	struct perf_event_header header;
	uint64_t address;
	uint64_t length;
	uint64_t chain[PERF_MAX_STACK_DEPTH + PERF_MAX_CONTEXTS_PER_STACK];
};

static struct {
	unsigned int all, rust, whole;
} seen;

static void look_at(const struct sample *sample)
{
	bool called = false;

	seen.all++;
	if (kind_at(sample->address) != RUST)
		return;
	for (uint64_t i = 0; i < sample->length && !called; i++)
		called = kind_at(sample->chain[i]) == CALLER;
	if (!seen.rust || !called) {
		ktap_note("%s", function_at(sample->address)->name);
		for (uint64_t i = 0; i < sample->length; i++) {
			const struct function_range *function =
				function_at(sample->chain[i]);

			ktap_note("  %#llx %s",
				  (unsigned long long)sample->chain[i],
				  function ? function->name : "");
		}
	}
	seen.rust++;
	seen.whole += called;
}

/* Copies `length` bytes at `position`, which go round the ring's end. */
static void copy_from(const struct ring *ring, void *to, uint64_t position,
		      size_t length)
{
	for (size_t i = 0; i < length; i++)
		((char *)to)[i] = ring->data[(position + i) % ring->size];
}

/* Looks at all samples that are in the ring, and takes them out. */
static void drain(const struct ring *ring)
{
	uint64_t head = atomic_load_explicit(
		(_Atomic __u64 *)&ring->page->data_head, memory_order_acquire);
	uint64_t tail = ring->page->data_tail;
	static struct sample sample;

	while (tail < head) {
		struct perf_event_header header;

		copy_from(ring, &header, tail, sizeof(header));
		check_that(header.size >= sizeof(header), "record of %u bytes",
			   header.size);
		if (header.type == PERF_RECORD_SAMPLE &&
		    header.size <= sizeof(sample)) {
			copy_from(ring, &sample, tail, header.size);
			look_at(&sample);
		}
		tail += header.size;
	}
	atomic_store_explicit((_Atomic __u64 *)&ring->page->data_tail, tail,
			      memory_order_release);
}

/* Profiles whatever runs on a processor: a request may be mapped by any worker. */
static void ring_open(struct ring *ring, struct perf_event_attr *wanted,
		      int processor)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int event = syscall(SYS_perf_event_open, wanted, -1, processor, -1, 0);

	if (event < 0 && errno == ENOSYS)
		ktap_skip("the kernel has no perf events");
	check_call(event);
	ring->size = RING_PAGES * page;
	ring->page = mmap(NULL, ring->size + page, PROT_READ | PROT_WRITE,
			  MAP_SHARED, event, 0);
	check_that(ring->page != MAP_FAILED, "ring: %m");
	ring->data = (const char *)ring->page + page;
}

static void profile_has_callers(const void *argument)
{
	struct perf_event_attr wanted = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(wanted),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = FREQUENCY,
		.freq = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
		.exclude_user = 1,
		.exclude_callchain_user = 1,
	};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct ring rings[PROCESSORS];
	const struct disk *disk = argument;
	void *buffer;
	int fd;

	check_that(processors <= PROCESSORS, "%ld processors", processors);
	for (int i = 0; i < processors; i++)
		ring_open(&rings[i], &wanted, i);

	read_functions();
	disk_announce(disk, 0, BLOCK);
	fd = disk_open(disk);
	buffer = disk_buffer(BLOCK);
	for (unsigned int i = 0; i < ROUNDS && seen.rust < ENOUGH; i++) {
		disk_rewrite(fd, buffer, 0, BLOCK);
		for (int j = 0; j < processors; j++)
			drain(&rings[j]);
	}
	ktap_data("samples", "{\"all\": %u, \"rust\": %u, \"with-caller\": %u}",
		  seen.all, seen.rust, seen.whole);
	check_that(seen.rust >= ENOUGH, "%u samples are in Rust", seen.rust);
	check_equal(seen.whole, seen.rust);
}

static void define(void)
{
	disks_find(disks);
	ktap_case(profile_has_callers, &disks[0], "a profile has callers");
	ktap_timeout(120);
}

const struct suite perf_suite = { "perf", define };
