/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What can be named in zpci.run=, one file each. */
#ifndef GUEST_SUITES_H
#define GUEST_SUITES_H

#include "../ktap.h"

extern const struct suite benchmark_suite;
extern const struct suite capability_suite;
extern const struct suite cases_suite;
extern const struct suite churn_suite;
extern const struct suite clp_suite;
extern const struct suite container_suite;
extern const struct suite disk_suite;
extern const struct suite domain_suite;
extern const struct suite dump_suite;
extern const struct suite enable_suite;
extern const struct suite firmware_suite;
extern const struct suite function_suite;
extern const struct suite hardware_suite;
extern const struct suite hotplug_suite;
extern const struct suite instructions_suite;
extern const struct suite iommufd_suite;
extern const struct suite join_suite;
extern const struct suite load_suite;
extern const struct suite module_suite;
extern const struct suite modules_suite;
extern const struct suite nested_suite;
extern const struct suite network_suite;
extern const struct suite nvme_suite;
extern const struct suite perf_suite;
extern const struct suite reads_suite;
extern const struct suite rebind_suite;
extern const struct suite measurement_suite;
extern const struct suite recovery_suite;
extern const struct suite selftest_suite;
extern const struct suite statistics_suite;
extern const struct suite trace_suite;
extern const struct suite tracing_suite;
extern const struct suite type1_suite;
extern const struct suite vmm_suite;
extern const struct suite zpci_suite;

#endif
