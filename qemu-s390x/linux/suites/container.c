// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What user space learns of a container: two functions in one, a third in
 * another. Cases named "zpci ..." need a kernel with the driver.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../clp.h"
#include "../sysfs.h"
#include "../vfio.h"
#include "suites.h"
#include "three.h"

static bool contains(const uint8_t *bytes, size_t size, uint32_t word)
{
	for (size_t i = 0; i + sizeof(word) <= size; i++)
		if (!memcmp(bytes + i, &word, sizeof(word)))
			return true;
	return false;
}

/* Which capabilities there are, in which order. */
static void chain(const void *argument)
{
	static const uint16_t expected[] = {
		VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
		VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS,
		VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI,
		VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS,
		VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUPS,
		VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS,
	};
	const int *type = argument;
	int other = container_open(*type, container_group(&outside));
	int container = three_open(*type);
	struct container_capabilities found;
	uint8_t *answer;
	size_t size;

	answer = three_answer(container, &found, &size);
	check_equal(found.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < found.count; i++)
		check_equal(found.ids[i], expected[i]);
	check(three_entry(&found, &first) && three_entry(&found, &second));
	/* Nothing of the function that the same user has elsewhere. */
	check(contains(answer, size, function_attribute(&first, "function_id")));
	check(contains(answer, size, function_attribute(&second, "uid")));
	check(!contains(answer, size, function_attribute(&outside, "function_id")));
	check(!contains(answer, size, function_attribute(&outside, "uid")));
	for (size_t i = 0; i < 3; i++)
		check(!contains(answer, size,
				function_attribute(i ? i == 1 ? &first : &second :
					      &outside,
					  "function_handle")));
	three_answer(other, &found, &size);
	check_equal(found.function_count, 1);
	check(three_entry(&found, &outside));
}

/* The functions are what /dev/clp and sysfs say. */
static void check_function(const struct container_capabilities *found,
			   const struct function *function)
{
	const struct vfio_zpci_function *reported = three_entry(found, function);
	struct clp_response clp;
	char name[32];

	check_that(reported, "%s is not reported", function->address);
	clp_query_function(&clp, function_attribute(function, "function_handle"));
	check_equal(reported->fid, clp_word(&clp, 20));
	check_equal(reported->uid, clp_word(&clp, 124));
	check_equal(reported->uid, function_attribute(function, "uid"));
	check_equal(reported->start_dma, clp_doubleword(&clp, 64));
	check(reported->end_dma > reported->start_dma);
	check(reported->end_dma <= clp_doubleword(&clp, 72));
	check_equal(reported->flags & VFIO_ZPCI_FUNCTION_PHYSICAL,
		    clp.bytes[18] >> 3 & 1);
	check_equal(!!(reported->flags & VFIO_ZPCI_FUNCTION_UTIL_STR),
		    clp.bytes[18] & 1);
	check_equal(reported->flags & ~3u, 0);
	check_equal(reported->pchid, clp_half(&clp, 30));
	check_equal(reported->pchid, function_attribute(function, "pchid"));
	check_equal(reported->vfn, clp_half(&clp, 16));
	check_equal(reported->vfn, function_attribute(function, "vfn"));
	check_equal(reported->fmb_length, clp.bytes[62] * 4);
	check_equal(reported->pft, clp.bytes[63]);
	check_equal(reported->pft, function_attribute(function, "pft"));
	check_equal(reported->gid, clp.bytes[19]);
	check_equal(reported->gid, function_attribute(function, "pfgid"));
	check_equal(reported->port, clp.bytes[61] & 0xf);
	check_equal(reported->fidparm, clp.bytes[60]);
	for (unsigned int i = 0; i < 4; i++) {
		check_equal(reported->pfip[i], clp.bytes[56 + i]);
		snprintf(name, sizeof(name), "pfip/segment%u", i);
		check_equal(reported->pfip[i], function_attribute(function, name));
	}
	check_equal(reported->format, 0);
	check_equal(reported->reserved, 0);
	if (reported->flags & VFIO_ZPCI_FUNCTION_UTIL_STR)
		check(!memcmp(reported->util_str, clp.bytes + 128, 64));
	else
		for (size_t i = 0; i < sizeof(reported->util_str); i++)
			check_equal(reported->util_str[i], 0);
}

static void functions_agree(const void *argument)
{
	struct container_capabilities found;
	size_t size;

	(void)argument;
	three_answer(three_open(VFIO_TYPE1v2_IOMMU), &found, &size);
	check_equal(found.function_count, 2);
	check_function(&found, &first);
	check_function(&found, &second);
}

static void group_agrees(const void *argument)
{
	const struct vfio_zpci_group *reported;
	struct container_capabilities found;
	struct clp_response clp;
	size_t size;

	(void)argument;
	three_answer(three_open(VFIO_TYPE1v2_IOMMU), &found, &size);
	check_equal(found.group_count, 1);
	reported = found.groups[0];
	check_equal(reported->gid, function_attribute(&first, "pfgid"));
	clp_query_group(&clp, reported->gid);
	check_equal(reported->dasm, clp_doubleword(&clp, 32));
	check_equal(reported->msi_addr, clp_doubleword(&clp, 40));
	check_equal(reported->flags, clp.bytes[19] & 1);
	check_equal(reported->mui, clp_half(&clp, 22));
	check_equal(reported->noi, clp_half(&clp, 16) & 0xfff);
	check_equal(reported->maxstbl, clp_half(&clp, 20) & 0x1fff);
	check_equal(reported->version, clp.bytes[18]);
	check_equal(reported->reserved, 0);
}

/* Ranges and gaps are all addresses, in ascending order, and agree with sysfs. */
static void addresses(const void *argument)
{
	unsigned long long start, last, upper;
	struct container_capabilities found;
	char regions[512], *second_line;
	uint64_t expected = 0;
	struct clp_response clp;
	uint32_t range = 0;
	size_t size;

	(void)argument;
	three_answer(three_open(VFIO_TYPE1v2_IOMMU), &found, &size);
	check(found.ranges && found.gaps);
	check_equal(found.gaps->entry_size, sizeof(struct vfio_zpci_gap));
	clp_query_group(&clp, found.groups[0]->gid);
	for (uint32_t i = 0; i < found.gaps->nr_gaps; i++) {
		const struct vfio_zpci_gap *gap =
			(const struct vfio_zpci_gap *)(found.gaps + 1) + i;
		bool msi = gap->start == clp_doubleword(&clp, 40);

		while (range < found.ranges->nr_iovas &&
		       found.ranges->iova_ranges[range].start == expected)
			expected = found.ranges->iova_ranges[range++].end + 1;
		check_equal(gap->start, expected);
		check(gap->end >= gap->start);
		check_equal(gap->reasons,
			    VFIO_ZPCI_GAP_OUTSIDE |
				    (msi ? VFIO_ZPCI_GAP_MSI : 0));
		check_equal(gap->reserved, 0);
		expected = gap->end + 1;
	}
	/* The last gap ends with the last address. */
	check_equal(expected, 0);
	check_equal(range, found.ranges->nr_iovas);
	check_equal(found.ranges->nr_iovas, 1);
	check_equal(found.ranges->iova_ranges[0].start,
		    found.functions[0]->start_dma);
	check_equal(found.ranges->iova_ranges[0].end,
		    found.functions[0]->end_dma);

	check(sysfs_read(regions, sizeof(regions),
			 "/sys/kernel/iommu_groups/%d/reserved_regions",
			 first.group) > 0);
	second_line = strchr(regions, '\n');
	check(second_line);
	check(sscanf(regions, "%llx %llx reserved", &start, &last) == 2);
	check(sscanf(second_line, "%llx", &upper) == 1);
	check_equal(found.ranges->iova_ranges[0].start, last + 1);
	check_equal(found.ranges->iova_ranges[0].end, upper - 1);
}

static void format_and_interrupts(const void *argument)
{
	const struct vfio_iommu_type1_info *info;
	const struct vfio_zpci_msi_window *window;
	const struct vfio_zpci_table_format *format;
	struct container_capabilities found;
	struct clp_response clp;
	uint8_t *answer;
	size_t size;

	(void)argument;
	answer = three_answer(three_open(VFIO_TYPE1v2_IOMMU), &found, &size);
	info = (const void *)answer;
	check(found.msi);
	check_equal(found.format_count, 1);
	format = found.formats[0];
	clp_query_group(&clp, found.groups[0]->gid);
	check_equal(format->format, VFIO_ZPCI_TABLE_FORMAT_S390);
	/* One root, and one that the group has. */
	check_equal(format->designation_types, 1 << 1);
	check(clp.bytes[24] & 0x80 >> 1);
	check_equal(format->frame_sizes, 4096);
	check(info->iova_pgsizes & format->frame_sizes);
	check_equal(format->flags, 0);
	check_equal(format->reserved, 0);

	check_equal(found.msi->flags, 0);
	check_equal(found.msi->nr_pages, 0);
	check_equal(found.msi->page_size, 4096);
	check_equal(found.msi->nr_windows, 1);
	check_equal(found.msi->entry_size, sizeof(*window));
	window = (const void *)(found.msi + 1);
	check_equal(window->start, clp_doubleword(&clp, 40));
	check_equal(window->end, window->start + 4095);
	check_equal(window->flags, 0);
	check_equal(window->reserved, 0);
}

/*
 * The capabilities of a whole answer that a buffer of `size` bytes gets: those of
 * type1 or none of them, and as many of the driver's as fit. Returns where they
 * end, 0 for none, and stores where the last of them is.
 */
static size_t fitting(const uint8_t *whole, size_t full, size_t size,
		      size_t *last)
{
	const struct vfio_iommu_type1_info *info = (const void *)whole;
	const struct vfio_info_cap_header *header = NULL;
	size_t end = 0;

	while ((header = vfio_capability(whole, full, info->cap_offset, header))) {
		size_t next = header->next ? header->next : full;
		bool own = header->id >= VFIO_ZPCI_FIRST_ID &&
			   header->id <= VFIO_ZPCI_LAST_ID;

		if (next > size)
			return own ? end : 0;
		*last = (const uint8_t *)header - whole;
		end = next;
	}
	return end;
}

/* With every size of a buffer. */
static void sizes(const void *argument)
{
	const size_t fixed = sizeof(struct vfio_iommu_type1_info);
	const size_t least = offsetof(struct vfio_iommu_type1_info, cap_offset);
	const size_t next = offsetof(struct vfio_info_cap_header, next);
	int container = three_open(VFIO_TYPE1v2_IOMMU);
	size_t full = container_size(container);
	struct vfio_iommu_type1_info info;
	uint8_t *answer, *whole;

	(void)argument;
	whole = container_information(container, full);
	check(whole);
	for (size_t size = 0; size <= full + 64; size++) {
		size_t last = 0, end = fitting(whole, full, size, &last);
		size_t written = end ? end : size < fixed ? size : fixed;

		errno = 0;
		answer = container_information(container, size);
		check_that(!answer == (size < least), "%zu: %m", size);
		if (!answer) {
			check_equal(errno, EINVAL);
			continue;
		}
		memcpy(&info, answer, sizeof(info));
		check_equal(info.argsz, end ? size : full);
		check(info.flags & VFIO_IOMMU_INFO_CAPS);
		if (size >= fixed)
			check_equal(info.cap_offset, end ? fixed : 0);
		/*
		 * The size, the offset and the end of the chain are as above, the
		 * rest is as ever.
		 */
		for (size_t i = 0; i < written; i++) {
			bool depends = i < 4 || (i >= least && i < least + 4);

			if (end && i >= last + next && i < last + next + 4)
				check_equal(answer[i], 0);
			else
				check_that(depends || answer[i] == whole[i],
					   "size %zu, byte %zu: %#x instead of %#x",
					   size, i, answer[i], whole[i]);
		}
		for (size_t i = written; i < 2 * size + 64; i++)
			check_that(answer[i] == POISON,
				   "size %zu, byte %zu: %#x was written", size,
				   i, answer[i]);
		free(answer);
	}
	ktap_note("%zu bytes", full);
}

/* The same as on a kernel without the driver, for a program that knows nothing of it. */
static void upstream(const void *argument)
{
	int container = three_open(VFIO_TYPE1v2_IOMMU);
	struct vfio_iommu_type1_info fixed = { .argsz = sizeof(fixed) }, *info;
	const struct vfio_info_cap_header *header = NULL;
	size_t size;

	(void)argument;
	check_call(ioctl(container, VFIO_IOMMU_GET_INFO, &fixed));
	size = fixed.argsz;
	ktap_data("zpci-info",
		  "{\"source\":\"container\",\"flags\":%u,"
		  "\"iova_pgsizes\":%llu,\"cap_offset\":%u,\"pad\":%u}",
		  fixed.flags, (unsigned long long)fixed.iova_pgsizes,
		  fixed.cap_offset, fixed.pad);
	info = calloc(1, size);
	check(info);
	info->argsz = size;
	check_call(ioctl(container, VFIO_IOMMU_GET_INFO, info));
	check_equal(info->argsz, size);
	while ((header = vfio_capability(info, size, info->cap_offset, header))) {
		/* The longest of these has one range. */
		char hex[2 * 64 + 1] = "";
		size_t length;

		switch (header->id) {
		case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
			length = sizeof(struct vfio_iommu_type1_info_cap_iova_range) +
				 sizeof(struct vfio_iova_range);
			break;
		case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
			length = sizeof(struct vfio_iommu_type1_info_cap_migration);
			break;
		case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
			length = sizeof(struct vfio_iommu_type1_info_dma_avail);
			break;
		default:
			continue;
		}
		for (size_t i = sizeof(*header); i < length; i++)
			snprintf(hex + 2 * (i - sizeof(*header)), 3, "%02x",
				 ((const uint8_t *)header)[i]);
		ktap_data("zpci-capability",
			  "{\"source\":\"container\",\"id\":%u,\"version\":%u,"
			  "\"raw\":\"%s\"}",
			  header->id, header->version, hex);
	}
}

/* Runs the program for people; its output, or that for programs. */
static void run_program(const char *option, char *output, size_t size)
{
	int ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t child;

	check_call(pipe(ends));
	child = check_call(fork());
	if (!child) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execl("/bin/capabilities", "capabilities",
		      option ? option : first.address,
		      option ? first.address : second.address,
		      option ? second.address : NULL, NULL);
		_exit(127);
	}
	close(ends[1]);
	while (length < size - 1 &&
	       (got = read(ends[0], output + length, size - 1 - length)) > 0)
		length += got;
	output[length] = 0;
	check_equal(waitpid(child, &status, 0), child);
	check_that(WIFEXITED(status) && !WEXITSTATUS(status), "%d: %s", status,
		   output);
}

static void program(const void *argument)
{
	static char output[32768];
	char *rest = output, *line;
	char id[32];
	unsigned int lines = 0;

	(void)argument;
	run_program("--json", output, sizeof(output));
	snprintf(id, sizeof(id), "\"fid\":\"%#lx\"",
		 function_attribute(&second, "function_id"));
	while ((line = strsep(&rest, "\n")) && *line) {
		ktap_data("zpci-told", "%s", line);
		/* Two containers, which report functions, and the iommufd. */
		check_that(!!strstr(line, id) == (lines < 2), "%s", line);
		lines++;
	}
	check_equal(lines, 3);
	run_program(NULL, output, sizeof(output));
	check(strstr(output, "table-formats") && strstr(output, "iommufd"));
	rest = output;
	while ((line = strsep(&rest, "\n")))
		ktap_note("%s", line);
}

static void define(void)
{
	static const int type1 = VFIO_TYPE1_IOMMU, type1v2 = VFIO_TYPE1v2_IOMMU;

	three_define();
	ktap_case(upstream, NULL, "header of Linux alone");
	ktap_case(chain, &type1v2, "zpci chain");
	ktap_case(chain, &type1, "zpci chain of type 1 version 1");
	ktap_case(functions_agree, NULL, "zpci functions agree");
	ktap_case(group_agrees, NULL, "zpci group agrees");
	ktap_case(addresses, NULL, "zpci ranges and gaps");
	ktap_case(format_and_interrupts, NULL, "zpci format and interrupts");
	ktap_case(sizes, NULL, "every size of a buffer");
	ktap_case(program, NULL, "zpci program");
	three_return();
}

const struct suite container_suite = { "container", define };
