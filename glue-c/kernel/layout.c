// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structures that cross to the Rust object: offset and size of the members, in
 * bytes. Rust is held to the same lines. Bit fields have no offset.
 */
#include <linux/build_bug.h>
#include <linux/pci.h>
#include <linux/stddef.h>
#include <linux/vfio_zdev.h>
#include <asm/pci_clp.h>
#include <asm/pci_insn.h>

#include "zpci_rust.h"

#define MEMBER(type, member, offset, size)					\
	static_assert(offsetof(struct type, member) == (offset) &&		\
		      sizeof_field(struct type, member) == (size))
#define SIZE(type, size)							\
	static_assert(sizeof(struct type) == (size))

MEMBER(zpci_rust_function, start_dma, 0, 8);
MEMBER(zpci_rust_function, end_dma, 8, 8);
MEMBER(zpci_rust_function, dasm, 16, 8);
MEMBER(zpci_rust_function, msi_address, 24, 8);
MEMBER(zpci_rust_function, mio_write_back, 32, 48);
MEMBER(zpci_rust_function, mio_write_through, 80, 48);
MEMBER(zpci_rust_function, id, 128, 4);
MEMBER(zpci_rust_function, uid, 132, 4);
MEMBER(zpci_rust_function, handle, 136, 4);
MEMBER(zpci_rust_function, gisa, 140, 4);
MEMBER(zpci_rust_function, bars, 144, 24);
MEMBER(zpci_rust_function, vfn, 168, 2);
MEMBER(zpci_rust_function, pchid, 170, 2);
MEMBER(zpci_rust_function, fmb_length, 172, 2);
MEMBER(zpci_rust_function, rid, 174, 2);
MEMBER(zpci_rust_function, tid, 176, 2);
MEMBER(zpci_rust_function, max_interrupts, 178, 2);
MEMBER(zpci_rust_function, max_store_block, 180, 2);
MEMBER(zpci_rust_function, measurement_interval, 182, 2);
MEMBER(zpci_rust_function, group, 184, 1);
MEMBER(zpci_rust_function, function_type, 185, 1);
MEMBER(zpci_rust_function, port, 186, 1);
MEMBER(zpci_rust_function, fidparm, 187, 1);
MEMBER(zpci_rust_function, designation_types, 188, 1);
MEMBER(zpci_rust_function, version, 189, 1);
MEMBER(zpci_rust_function, mio_bars, 190, 1);
MEMBER(zpci_rust_function, flags, 191, 1);
MEMBER(zpci_rust_function, bar_size_log2, 192, 6);
MEMBER(zpci_rust_function, internal_path, 198, 4);
MEMBER(zpci_rust_function, reserved, 202, 6);
MEMBER(zpci_rust_function, utility_string, 208, 64);
SIZE(zpci_rust_function, 272);

MEMBER(zpci_rust_table, origin, 0, 8);
MEMBER(zpci_rust_table, base, 8, 8);
MEMBER(zpci_rust_table, root, 16, 1);
MEMBER(zpci_rust_table, large, 17, 1);
MEMBER(zpci_rust_table, reserved, 18, 6);
SIZE(zpci_rust_table, 24);

/* The operand of MPCIFC */
MEMBER(zpci_fib, fc, 8, 1);
MEMBER(zpci_fib, pba, 16, 8);
MEMBER(zpci_fib, pal, 24, 8);
MEMBER(zpci_fib, iota, 32, 8);
MEMBER(zpci_fib, fmt0.aibv, 48, 8);
MEMBER(zpci_fib, fmt0.aisb, 56, 8);
MEMBER(zpci_fib, fmb_addr, 64, 8);
MEMBER(zpci_fib, gd, 76, 4);
SIZE(zpci_fib, 80);

/* The capabilities */
MEMBER(vfio_info_cap_header, id, 0, 2);
MEMBER(vfio_info_cap_header, version, 2, 2);
MEMBER(vfio_info_cap_header, next, 4, 4);
SIZE(vfio_info_cap_header, 8);

MEMBER(vfio_device_info_cap_zpci_base, header, 0, 8);
MEMBER(vfio_device_info_cap_zpci_base, start_dma, 8, 8);
MEMBER(vfio_device_info_cap_zpci_base, end_dma, 16, 8);
MEMBER(vfio_device_info_cap_zpci_base, pchid, 24, 2);
MEMBER(vfio_device_info_cap_zpci_base, vfn, 26, 2);
MEMBER(vfio_device_info_cap_zpci_base, fmb_length, 28, 2);
MEMBER(vfio_device_info_cap_zpci_base, pft, 30, 1);
MEMBER(vfio_device_info_cap_zpci_base, gid, 31, 1);
MEMBER(vfio_device_info_cap_zpci_base, fh, 32, 4);
SIZE(vfio_device_info_cap_zpci_base, 40);

MEMBER(vfio_device_info_cap_zpci_group, header, 0, 8);
MEMBER(vfio_device_info_cap_zpci_group, dasm, 8, 8);
MEMBER(vfio_device_info_cap_zpci_group, msi_addr, 16, 8);
MEMBER(vfio_device_info_cap_zpci_group, flags, 24, 8);
MEMBER(vfio_device_info_cap_zpci_group, mui, 32, 2);
MEMBER(vfio_device_info_cap_zpci_group, noi, 34, 2);
MEMBER(vfio_device_info_cap_zpci_group, maxstbl, 36, 2);
MEMBER(vfio_device_info_cap_zpci_group, version, 38, 1);
MEMBER(vfio_device_info_cap_zpci_group, reserved, 39, 1);
MEMBER(vfio_device_info_cap_zpci_group, imaxstbl, 40, 2);
SIZE(vfio_device_info_cap_zpci_group, 48);

/* The strings follow. */
MEMBER(vfio_device_info_cap_zpci_util, header, 0, 8);
MEMBER(vfio_device_info_cap_zpci_util, size, 8, 4);
SIZE(vfio_device_info_cap_zpci_util, 12);

MEMBER(vfio_device_info_cap_zpci_pfip, header, 0, 8);
MEMBER(vfio_device_info_cap_zpci_pfip, size, 8, 4);
SIZE(vfio_device_info_cap_zpci_pfip, 12);

/* CLP blocks */
MEMBER(clp_req_hdr, len, 0, 2);
MEMBER(clp_req_hdr, cmd, 2, 2);
MEMBER(clp_req_hdr, reserved2, 8, 8);
SIZE(clp_req_hdr, 16);

MEMBER(clp_rsp_hdr, len, 0, 2);
MEMBER(clp_rsp_hdr, rsp, 2, 2);
MEMBER(clp_rsp_hdr, reserved2, 8, 8);
SIZE(clp_rsp_hdr, 16);

MEMBER(clp_rsp_slpc_pci, lpif, 32, 32);
MEMBER(clp_rsp_slpc_pci, lpic, 96, 32);
SIZE(clp_rsp_slpc_pci, 128);

MEMBER(clp_req_list_pci, resume_token, 16, 8);
MEMBER(clp_req_list_pci, reserved2, 24, 8);
SIZE(clp_req_list_pci, 32);

MEMBER(clp_rsp_list_pci, resume_token, 16, 8);
MEMBER(clp_rsp_list_pci, max_fn, 28, 2);
MEMBER(clp_rsp_list_pci, entry_size, 31, 1);

MEMBER(clp_fh_list_entry, device_id, 0, 2);
MEMBER(clp_fh_list_entry, vendor_id, 2, 2);
MEMBER(clp_fh_list_entry, fid, 8, 4);
MEMBER(clp_fh_list_entry, fh, 12, 4);
SIZE(clp_fh_list_entry, 16);

MEMBER(clp_req_query_pci, fh, 16, 4);
MEMBER(clp_req_query_pci, reserved2, 20, 4);
MEMBER(clp_req_query_pci, reserved3, 24, 8);
SIZE(clp_req_query_pci, 32);

MEMBER(clp_rsp_query_pci, vfn, 16, 2);
MEMBER(clp_rsp_query_pci, fid, 20, 4);
MEMBER(clp_rsp_query_pci, bar_size, 24, 6);
MEMBER(clp_rsp_query_pci, pchid, 30, 2);
MEMBER(clp_rsp_query_pci, bar, 32, 24);
MEMBER(clp_rsp_query_pci, pfip, 56, 4);
MEMBER(clp_rsp_query_pci, fmb_len, 62, 1);
MEMBER(clp_rsp_query_pci, pft, 63, 1);
MEMBER(clp_rsp_query_pci, sdma, 64, 8);
MEMBER(clp_rsp_query_pci, edma, 72, 8);
MEMBER(clp_rsp_query_pci, rid, 80, 2);
MEMBER(clp_rsp_query_pci, tid, 86, 2);
MEMBER(clp_rsp_query_pci, uid, 124, 4);
MEMBER(clp_rsp_query_pci, util_str, 128, 64);
MEMBER(clp_rsp_query_pci, mio, 256, 128);
SIZE(clp_rsp_query_pci, 384);

MEMBER(mio_info, addr, 8, 96);
MEMBER(mio_info, reserved, 104, 24);
SIZE(mio_info, 128);

MEMBER(clp_req_query_pci_grp, reserved3, 20, 4);
MEMBER(clp_req_query_pci_grp, reserved4, 24, 8);
SIZE(clp_req_query_pci_grp, 32);

MEMBER(clp_rsp_query_pci_grp, version, 18, 1);
MEMBER(clp_rsp_query_pci_grp, mui, 22, 2);
MEMBER(clp_rsp_query_pci_grp, dtsm, 24, 1);
MEMBER(clp_rsp_query_pci_grp, maxfaal, 26, 2);
MEMBER(clp_rsp_query_pci_grp, maxcpu, 30, 2);
MEMBER(clp_rsp_query_pci_grp, dasm, 32, 8);
MEMBER(clp_rsp_query_pci_grp, msia, 40, 8);
SIZE(clp_rsp_query_pci_grp, 64);

MEMBER(clp_req_set_pci, fh, 16, 4);
MEMBER(clp_req_set_pci, reserved2, 20, 2);
MEMBER(clp_req_set_pci, oc, 22, 1);
MEMBER(clp_req_set_pci, ndas, 23, 1);
MEMBER(clp_req_set_pci, reserved3, 24, 4);
MEMBER(clp_req_set_pci, gisa, 28, 4);
SIZE(clp_req_set_pci, 32);

MEMBER(clp_rsp_set_pci, fh, 16, 4);
MEMBER(clp_rsp_set_pci, reserved1, 20, 4);
MEMBER(clp_rsp_set_pci, reserved2, 24, 8);
MEMBER(clp_rsp_set_pci, mio, 32, 128);
SIZE(clp_rsp_set_pci, 160);
