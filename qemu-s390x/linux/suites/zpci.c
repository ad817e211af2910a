// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The command zpci on this machine, compared with what sysfs, CLP and VFIO say
 * to this program, which shares nothing with it.
 */

#include <asm/clp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio_zpci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../clp.h"
#include "../program.h"
#include "passthrough.h"
#include "suites.h"

#define PROGRAM "/bin/zpci"
#define NOBODY 65534

/* A command block: the request of 32 bytes, and the response. */
#define BLOCK 4096
#define REQUEST 32
#define LIST_PCI 2
#define QUERY_FUNCTION 3
#define QUERY_GROUP 4
#define PCI 2
/* Of QUERY PCI FN: the sizes of the BARs as powers of two. */
#define BAR_SIZE (REQUEST + 24)

static struct program_run result, other;
static struct function functions[FUNCTIONS];

/* In the directory in which programs run. */
static void write_file(const char *path, const void *bytes, size_t size)
{
	int fd;

	check_call(chdir(PROGRAM_DIRECTORY));
	fd = check_call(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	check_equal(write(fd, bytes, size), size);
	close(fd);
}

/* What `zpci list -j` has of the function. */
static const char *listed(const struct program_run *run, const struct function *function)
{
	const char *object;
	char key[64];

	snprintf(key, sizeof(key), "\"address\": \"%.15s\"", function->address);
	object = strstr(run->out, key);
	check_that(object, "%s is not listed", function->address);
	return object;
}

/* The string `name` in the object that starts at `object`, or "". */
static const char *text(const char *object, const char *name)
{
	static char value[256];
	char key[64];
	const char *found;

	snprintf(key, sizeof(key), "\"%s\": \"", name);
	found = strstr(object, key);
	check_that(found && found < strchr(object, '}'), "no %s", name);
	snprintf(value, sizeof(value), "%.*s",
		 (int)strcspn(found + strlen(key), "\""), found + strlen(key));
	return value;
}

static unsigned long number(const char *object, const char *name)
{
	return strtoul(text(object, name), NULL, 0);
}

/* The value of the first field called `name` of `zpci decode -j`. */
static unsigned long field(const struct program_run *run, const char *name)
{
	char key[64];
	const char *found;

	snprintf(key, sizeof(key), "\"name\": \"%s\"", name);
	found = strstr(run->out, key);
	check_that(found, "no %s", name);
	return number(found, "value");
}

static void check_identifiers(const struct program_run *run,
			      const struct function *function)
{
	static const char *const same[][2] = {
		{ "fid", "function_id" }, { "uid", "uid" },
		{ "pchid", "pchid" },	  { "vfn", "vfn" },
		{ "pft", "pft" },	  { "group", "pfgid" },
		{ "handle", "function_handle" },
	};
	const char *object = listed(run, function);
	char ids[16];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		check_that(number(object, same[i][0]) ==
				   function_attribute(function, same[i][1]),
			   "%s: %s is not that of sysfs", function->address,
			   same[i][0]);
	snprintf(ids, sizeof(ids), "%04x:%04x", function->vendor,
		 function->device);
	check(!strcmp(text(object, "device"), ids));
	check(!strcmp(text(object, "state"),
		      function_attribute(function, "function_handle") >> 31 ?
			      "enabled" : "configured"));
}

static unsigned int occurrences(const char *text, const char *of)
{
	unsigned int count = 0;

	for (; (text = strstr(text, of)); text += strlen(of))
		count++;
	return count;
}

/* Each function, once, with what sysfs and CLP say of it. */
static void list(const void *argument)
{
	size_t count = functions_find(functions);
	char window[64];

	(void)argument;
	program_run(&result, 0, PROGRAM, "list -j");
	program_check(&result);
	check_equal(occurrences(result.out, "\"fid\":"), count);
	for (size_t i = 0; i < count; i++) {
		const struct function *function = &functions[i];
		const char *object = listed(&result, function);
		struct clp_response clp;

		check_identifiers(&result, function);
		clp_query_function(&clp,
				   function_attribute(function,
						      "function_handle"));
		snprintf(window, sizeof(window), "%#llx..=%#llx",
			 (unsigned long long)clp_doubleword(&clp, 64),
			 (unsigned long long)clp_doubleword(&clp, 72));
		check_that(!strcmp(text(object, "window"), window),
			   "window %s", text(object, "window"));
		check_equal(number(object, "fmb"), clp.bytes[62] * 4);
		clp_query_group(&clp, function_attribute(function, "pfgid"));
		check_equal(number(object, "noi"), clp_half(&clp, 16) & 0xfff);
		check(!strcmp(text(object, "refresh"),
			      clp.bytes[19] & 1 ? "yes" : "no"));
		check(!strcmp(text(object, "rtr"),
			      clp.bytes[19] & 0x20 ? "yes" : "no"));
		check_equal(number(object, "maxstbl"),
			    clp_half(&clp, 20) & 0x1fff);
	}
	program_run(&other, 0, PROGRAM, "list");
	program_check(&other);
	for (size_t i = 0; i < count; i++)
		check(occurrences(other.out, functions[i].address) == 1);
	program_show(&other);
}

/* Who may not ask CLP is told what sysfs has, and that there is more. */
static void list_of_nobody(const void *argument)
{
	size_t count = functions_find(functions);

	(void)argument;
	program_run(&result, NOBODY, PROGRAM, "list -j");
	check_equal(result.status, 0);
	check_equal(occurrences(result.out, "\"fid\":"), count);
	check(strstr(result.out, "/dev/clp: Permission denied"));
	check(strstr(result.out, "root may ask"));
	for (size_t i = 0; i < count; i++)
		check_identifiers(&result, &functions[i]);
	check_equal(occurrences(result.out, "\"window\": null"), count);
}

/* Executes a query by /dev/clp and keeps the block in `path`. */
static uint8_t *capture(const char *path, unsigned int command,
			uint32_t operand, unsigned int room)
{
	static uint8_t block[BLOCK] __attribute__((aligned(BLOCK)));
	struct clp_req call = { .lps = PCI, .data_p = (uintptr_t)block };
	int fd = check_call(open("/dev/clp", O_RDWR));

	memset(block, 0, sizeof(block));
	block[1] = REQUEST;
	block[3] = command;
	for (unsigned int i = 0; i < 4; i++)
		block[16 + i] = operand >> (24 - 8 * i);
	block[REQUEST] = room >> 8;
	block[REQUEST + 1] = room;
	check_call(ioctl(fd, CLP_SYNC, &call));
	close(fd);
	write_file(path, block, REQUEST + room);
	return block;
}

/* Blocks that were captured are decoded to what they say. */
static void decode(const void *argument)
{
	const struct function *function = argument;
	uint32_t handle = function_attribute(function, "function_handle");
	struct clp_response clp;
	uint8_t *block;

	clp_query_function(&clp, handle);
	block = capture("function", QUERY_FUNCTION, handle, 320);
	program_run(&result, 0, PROGRAM, "decode -j %s", "function");
	program_check(&result);
	check_equal(field(&result, "fh"), handle);
	check_equal(field(&result, "fid"), function_attribute(function, "function_id"));
	check_equal(field(&result, "uid"), function_attribute(function, "uid"));
	check_equal(field(&result, "sdma"), clp_doubleword(&clp, 64));
	check_equal(field(&result, "edma"), clp_doubleword(&clp, 72));
	check(strstr(result.out, "\"ok\": true"));
	/* A BAR of 2^200 bytes. */
	block[BAR_SIZE] = 200;
	write_file("wrong", block, REQUEST + 320);
	program_run(&result, 0, PROGRAM, "decode %s", "wrong");
	check_equal(result.status, 1);
	check_that(strstr(result.err, "2^200") && strstr(result.err, "0x0038"),
		   "%.200s", result.err);
}

/* From blocks the same list as from the machine. */
static void list_of_blocks(const void *argument)
{
	const struct function *function = argument;

	capture("list", LIST_PCI, 0, BLOCK - REQUEST);
	capture("function", QUERY_FUNCTION,
		function_attribute(function, "function_handle"), 320);
	capture("group", QUERY_GROUP,
		function_attribute(function, "pfgid"), 64);
	program_run(&result, 0, PROGRAM, "list -j list function group");
	program_check(&result);
	program_run(&other, 0, PROGRAM, "list -j");
	program_check(&other);
	for (const char *const *name = (const char *const[]){ "fid", "handle",
		     "state", "device", "window", "bars", "noi", "dtsm", NULL };
	     *name; name++) {
		char live[256];

		snprintf(live, sizeof(live), "%s",
			 text(listed(&other, function), *name));
		check_that(!strcmp(live, text(listed(&result, function), *name)),
			   "%s", *name);
	}
}

/* What the command says of the buffer in `path` and of the kernel is the same. */
static void check_same(const char *path, const char *as, const char *live,
		       const char *address)
{
	program_run(&other, 0, PROGRAM, "caps -j --as %s %s", as, path);
	program_check(&other);
	program_run(&result, 0, PROGRAM, live, address);
	program_check(&result);
	check_that(!strcmp(result.out, other.out), "%.300s\ninstead of\n%.300s",
		   result.out, other.out);
}

static void device(enum vfio_api api, const char *live)
{
	struct vfio_device_info *info;
	struct vfio vfio;

	vfio_open(&vfio, api, passthrough.address);
	info = vfio_device_info(&vfio);
	write_file("device", info, info->argsz);
	free(info);
	vfio_close(&vfio);
	check_same("device", "device", live, passthrough.address);
	check_equal(field(&result, "fh"),
		    function_attribute(&passthrough, "function_handle"));
	check_equal(field(&result, "pchid"),
		    function_attribute(&passthrough, "pchid"));
	check(strstr(result.out, "zPCI function v"));
	check(strstr(result.out, vfio_proposed() ? "zPCI group v3" :
						   "zPCI group v2"));
	check(strstr(result.out, "zPCI function internal path v1"));
}

static void device_type1(const void *argument)
{
	(void)argument;
	device(VFIO_API_TYPE1, "caps -j --device %s --by type1");
	program_run(&other, 0, PROGRAM, "caps -j --device %s", passthrough.address);
	program_check(&other);
	check(!strcmp(result.out, other.out));
	program_run(&other, 0, PROGRAM, "caps --device %s", passthrough.address);
	program_show(&other);
}

static void device_iommufd(const void *argument)
{
	(void)argument;
	device(VFIO_API_IOMMUFD, "caps -j --device %s --by iommufd");
}

static void container(const void *argument)
{
	struct vfio_iommu_type1_info *info;
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, VFIO_API_TYPE1, passthrough.address);
	info = vfio_iommu_info(&vfio);
	write_file("container", info, info->argsz);
	free(info);
	vfio_close(&vfio);
	check_same("container", "container", "caps -j --container %s",
		   passthrough.address);
	check(strstr(result.out, "IOVA ranges"));
}

/* A kernel without the driver has no data, and is said to have none. */
static void hardware(const void *argument)
{
	uint8_t data[64];
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, VFIO_API_IOMMUFD, passthrough.address);
	info.dev_id = vfio.device_id;
	check_call(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info));
	vfio_close(&vfio);
	if (info.out_data_type == IOMMU_HW_INFO_TYPE_ZPCI) {
		write_file("hardware", data, info.data_len);
		check_same("hardware", "hw-info", "caps -j --hw-info %s",
			   passthrough.address);
		return;
	}
	program_run(&result, 0, PROGRAM, "caps --hw-info %s", passthrough.address);
	check_equal(result.status, 2);
	check_that(strstr(result.err, "no data of s390"), "%.200s", result.err);
}

/* What cannot be asked, and what is said of it. */
static void refusals(const void *argument)
{
	const struct function *unbound = NULL;
	size_t count = functions_find(functions);
	struct vfio vfio;

	(void)argument;
	for (size_t i = 0; i < count; i++)
		if (strcmp(functions[i].address, passthrough.address))
			unbound = &functions[i];
	check(unbound);
	program_run(&result, 0, PROGRAM, "caps --device %s", unbound->address);
	check_equal(result.status, 2);
	check_that(strstr(result.err, "not vfio-pci") &&
			   strstr(result.err, "driver_override"),
		   "%.200s", result.err);
	program_run(&result, 0, PROGRAM, "caps --container %s", "ffff:00:00.0");
	check_equal(result.status, 2);
	check_that(strstr(result.err, "no PCI function has this address"),
		   "%.200s", result.err);
	program_run(&result, NOBODY, PROGRAM, "caps --device %s",
		    passthrough.address);
	check_equal(result.status, 2);
	check_that(strstr(result.err, "Permission denied"), "%.200s", result.err);
	vfio_open(&vfio, VFIO_API_TYPE1, passthrough.address);
	program_run(&result, 0, PROGRAM, "caps --device %s", passthrough.address);
	check_equal(result.status, 2);
	check_that(strstr(result.err, "another program has it"), "%.200s",
		   result.err);
	vfio_close(&vfio);
}

static void define(void)
{
	size_t count = functions_find(functions);

	ktap_case(list, NULL, "list");
	ktap_case(list_of_nobody, NULL, "list without root");
	for (size_t i = 0; i < count; i++)
		ktap_case(decode, &functions[i], "decode %s",
			  functions[i].address);
	if (count)
		ktap_case(list_of_blocks, &functions[0], "list of blocks");
	passthrough_define("vfio-pci");
	ktap_case(device_type1, NULL, "device by type1");
	ktap_case(device_iommufd, NULL, "device by iommufd");
	ktap_case(container, NULL, "container");
	ktap_case(hardware, NULL, "hardware information");
	ktap_case(refusals, NULL, "refusals");
	passthrough_return();
}

const struct suite zpci_suite = { "zpci", define };
