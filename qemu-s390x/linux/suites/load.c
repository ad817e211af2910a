// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * All functions at once: every disk and every network function has threads of
 * its own for some seconds, and each byte that comes back is compared.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../disk.h"
#include "../ethernet.h"
#include "../sysfs.h"
#include "suites.h"

#define SECONDS 3
/* Each thread has a part of its disk for itself. */
#define PART (1 << 20)
#define THREADS_PER_DISK 2

static struct disk disks[DISKS];
static struct interface interfaces[INTERFACES];
static size_t disk_count, interface_count;

static atomic_bool stop;

struct worker {
	pthread_t thread;
	const struct disk *disk;
	const struct interface *interface;
	uint64_t start;
	/* Blocks or bursts that were compared. */
	atomic_ulong rounds;
};

static void *use_disk(void *argument)
{
	static const size_t blocks[] = { 4096, 65536, 8192, 262144, 4096,
					 1048576 };
	struct worker *worker = argument;
	void *buffer = disk_buffer(PART);
	int fd = disk_open(worker->disk);

	while (!atomic_load(&stop)) {
		unsigned long round = atomic_load(&worker->rounds);
		size_t block = blocks[round % 6];
		size_t places = PART / block;

		disk_rewrite(fd, buffer, worker->start + round % places * block,
			     block);
		atomic_store(&worker->rounds, round + 1);
	}
	return NULL;
}

static void *use_network(void *argument)
{
	struct worker *worker = argument;
	struct link link;

	link_open(&link, worker->interface);
	while (!atomic_load(&stop)) {
		unsigned long round = atomic_load(&worker->rounds);

		link_echo(&link, round * 97 % (ECHO_PAYLOAD + 1), 8);
		atomic_store(&worker->rounds, round + 1);
	}
	return NULL;
}

static void start(struct worker *worker, void *(*use)(void *))
{
	check_equal(pthread_create(&worker->thread, NULL, use, worker), 0);
}

static void everything(const void *argument)
{
	static struct worker workers[DISKS * THREADS_PER_DISK + INTERFACES];
	size_t count = 0;

	(void)argument;
	for (size_t i = 0; i < disk_count; i++) {
		/* The parts are written once before, so that all of them is. */
		disk_exercise(&disks[i], 0, PART, THREADS_PER_DISK, 0);
		for (size_t part = 0; part < THREADS_PER_DISK; part++) {
			workers[count].disk = &disks[i];
			workers[count].start = part * PART;
			start(&workers[count++], use_disk);
		}
	}
	for (size_t i = 0; i < interface_count; i++) {
		workers[count].interface = &interfaces[i];
		start(&workers[count++], use_network);
	}
	check_that(count > 1, "only %zu functions to keep busy", count);
	/* A network takes seconds to come up. The time limit is the case's. */
	for (size_t i = 0; i < count; i++)
		while (!atomic_load(&workers[i].rounds))
			usleep(1000);
	sleep(SECONDS);
	atomic_store(&stop, true);
	for (size_t i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		ktap_data("zpci-load", "{\"on\":\"%s\",\"rounds\":%lu}",
			  workers[i].disk ? workers[i].disk->name :
					    workers[i].interface->name,
			  atomic_load(&workers[i].rounds));
	}
}

static void processors(const void *argument)
{
	char expected[16];

	(void)argument;
	check_that(kernel_parameter(expected, sizeof(expected),
				    "zpci.processors"),
		   "zpci.processors= says no number");
	check_equal(sysconf(_SC_NPROCESSORS_ONLN), atol(expected));
}

static void define(void)
{
	disk_count = disks_find(disks);
	interface_count = interfaces_find(interfaces);
	ktap_case(processors, NULL, "processors");
	ktap_case(everything, NULL, "%zu disks %zu interfaces", disk_count,
		  interface_count);
}

const struct suite load_suite = { "load", define };
