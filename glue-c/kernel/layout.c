// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structures that cross to the Rust object: offsets and sizes in bytes. Rust is
 * held to the same lines. Bit fields have no offset.
 */
#include <linux/build_bug.h>
#include <linux/pci.h>
#include <linux/stddef.h>
#include <linux/vfio_zdev.h>
#include <asm/pci_clp.h>
#include <asm/pci_dma.h>
#include <asm/pci_insn.h>

#include "zpci_rust.h"

#define OFFSET(type, member, offset)	static_assert(offsetof(struct type, member) == (offset))
#define SIZE(type, size)		static_assert(sizeof(struct type) == (size))

OFFSET(zpci_rust_function, start_dma, 0);
OFFSET(zpci_rust_function, end_dma, 8);
OFFSET(zpci_rust_function, dasm, 16);
OFFSET(zpci_rust_function, msi_address, 24);
OFFSET(zpci_rust_function, mio_write_back, 32);
OFFSET(zpci_rust_function, mio_write_through, 80);
OFFSET(zpci_rust_function, id, 128);
OFFSET(zpci_rust_function, uid, 132);
OFFSET(zpci_rust_function, handle, 136);
OFFSET(zpci_rust_function, gisa, 140);
OFFSET(zpci_rust_function, bars, 144);
OFFSET(zpci_rust_function, vfn, 168);
OFFSET(zpci_rust_function, pchid, 170);
OFFSET(zpci_rust_function, fmb_length, 172);
OFFSET(zpci_rust_function, rid, 174);
OFFSET(zpci_rust_function, tid, 176);
OFFSET(zpci_rust_function, max_interrupts, 178);
OFFSET(zpci_rust_function, max_store_block, 180);
OFFSET(zpci_rust_function, measurement_interval, 182);
OFFSET(zpci_rust_function, group, 184);
OFFSET(zpci_rust_function, function_type, 185);
OFFSET(zpci_rust_function, port, 186);
OFFSET(zpci_rust_function, fidparm, 187);
OFFSET(zpci_rust_function, designation_types, 188);
OFFSET(zpci_rust_function, version, 189);
OFFSET(zpci_rust_function, mio_bars, 190);
OFFSET(zpci_rust_function, flags, 191);
OFFSET(zpci_rust_function, bar_size_log2, 192);
OFFSET(zpci_rust_function, internal_path, 198);
OFFSET(zpci_rust_function, directed_interrupts, 202);
OFFSET(zpci_rust_function, roots, 203);
OFFSET(zpci_rust_function, reserved, 204);
OFFSET(zpci_rust_function, utility_string, 208);
SIZE(zpci_rust_function, 272);

OFFSET(zpci_rust_table, opaque, 0);
SIZE(zpci_rust_table, 32);
OFFSET(zpci_rust_root, origin, 0);
OFFSET(zpci_rust_root, designation_type, 8);
OFFSET(zpci_rust_root, large, 9);
OFFSET(zpci_rust_root, reserved, 10);
SIZE(zpci_rust_root, 16);

OFFSET(zpci_rust_range, start, 0);
OFFSET(zpci_rust_range, last, 8);
SIZE(zpci_rust_range, 16);

OFFSET(zpci_rust_limits, start_dma, 0);
OFFSET(zpci_rust_limits, end_dma, 8);
OFFSET(zpci_rust_limits, designation_types, 16);
OFFSET(zpci_rust_limits, function_type, 17);
OFFSET(zpci_rust_limits, flags, 18);
OFFSET(zpci_rust_limits, roots, 19);
OFFSET(zpci_rust_limits, reserved, 20);
SIZE(zpci_rust_limits, 24);

OFFSET(zpci_rust_unmapped, range, 0);
OFFSET(zpci_rust_unmapped, pages, 16);
SIZE(zpci_rust_unmapped, 24);

OFFSET(zpci_rust_reclaimed, list, 0);
OFFSET(zpci_rust_reclaimed, span, 16);
SIZE(zpci_rust_reclaimed, 32);

OFFSET(zpci_rust_attachment, opaque, 0);
SIZE(zpci_rust_attachment, 72);

OFFSET(zpci_rust_outcome, cc, 0);
OFFSET(zpci_rust_outcome, status, 1);
SIZE(zpci_rust_outcome, 2);

OFFSET(zpci_rust_member, function, 0);
OFFSET(zpci_rust_member, root, 272);
OFFSET(zpci_rust_member, start, 288);
OFFSET(zpci_rust_member, last, 296);
SIZE(zpci_rust_member, 304);

OFFSET(zpci_rust_refusal, wanted, 0);
OFFSET(zpci_rust_refusal, found, 8);
OFFSET(zpci_rust_refusal, id, 16);
OFFSET(zpci_rust_refusal, reason, 20);
SIZE(zpci_rust_refusal, 24);

/* The operand of MPCIFC */
OFFSET(zpci_fib, fc, 8);
OFFSET(zpci_fib, pba, 16);
OFFSET(zpci_fib, pal, 24);
OFFSET(zpci_fib, iota, 32);
OFFSET(zpci_fib, fmt0.aibv, 48);
OFFSET(zpci_fib, fmt0.aisb, 56);
OFFSET(zpci_fib, fmb_addr, 64);
OFFSET(zpci_fib, gd, 76);
SIZE(zpci_fib, 80);

/* The capabilities */
OFFSET(vfio_info_cap_header, id, 0);
OFFSET(vfio_info_cap_header, version, 2);
OFFSET(vfio_info_cap_header, next, 4);
SIZE(vfio_info_cap_header, 8);

OFFSET(vfio_device_info_cap_zpci_base, header, 0);
OFFSET(vfio_device_info_cap_zpci_base, start_dma, 8);
OFFSET(vfio_device_info_cap_zpci_base, end_dma, 16);
OFFSET(vfio_device_info_cap_zpci_base, pchid, 24);
OFFSET(vfio_device_info_cap_zpci_base, vfn, 26);
OFFSET(vfio_device_info_cap_zpci_base, fmb_length, 28);
OFFSET(vfio_device_info_cap_zpci_base, pft, 30);
OFFSET(vfio_device_info_cap_zpci_base, gid, 31);
OFFSET(vfio_device_info_cap_zpci_base, fh, 32);
SIZE(vfio_device_info_cap_zpci_base, 40);

/* What user space reads of an error */
#ifdef ZPCI_ERR_PENDING_MAX
OFFSET(vfio_device_info_cap_zpci_base, ccdf_err_length, 36);

OFFSET(zpci_ccdf_err, fh, 4);
OFFSET(zpci_ccdf_err, fid, 8);
OFFSET(zpci_ccdf_err, faddr, 16);
OFFSET(zpci_ccdf_err, reserved3, 24);
OFFSET(zpci_ccdf_err, reserved4, 28);
OFFSET(zpci_ccdf_err, pec, 30);
SIZE(zpci_ccdf_err, 32);
#endif

OFFSET(vfio_device_info_cap_zpci_group, header, 0);
OFFSET(vfio_device_info_cap_zpci_group, dasm, 8);
OFFSET(vfio_device_info_cap_zpci_group, msi_addr, 16);
OFFSET(vfio_device_info_cap_zpci_group, flags, 24);
OFFSET(vfio_device_info_cap_zpci_group, mui, 32);
OFFSET(vfio_device_info_cap_zpci_group, noi, 34);
OFFSET(vfio_device_info_cap_zpci_group, maxstbl, 36);
OFFSET(vfio_device_info_cap_zpci_group, version, 38);
OFFSET(vfio_device_info_cap_zpci_group, reserved, 39);
OFFSET(vfio_device_info_cap_zpci_group, imaxstbl, 40);
SIZE(vfio_device_info_cap_zpci_group, 48);

/* The strings follow. */
OFFSET(vfio_device_info_cap_zpci_util, header, 0);
OFFSET(vfio_device_info_cap_zpci_util, size, 8);
SIZE(vfio_device_info_cap_zpci_util, 12);

OFFSET(vfio_device_info_cap_zpci_pfip, header, 0);
OFFSET(vfio_device_info_cap_zpci_pfip, size, 8);
SIZE(vfio_device_info_cap_zpci_pfip, 12);

/* CLP blocks */
OFFSET(clp_req_hdr, len, 0);
OFFSET(clp_req_hdr, cmd, 2);
OFFSET(clp_req_hdr, reserved2, 8);
SIZE(clp_req_hdr, 16);

OFFSET(clp_rsp_hdr, len, 0);
OFFSET(clp_rsp_hdr, rsp, 2);
OFFSET(clp_rsp_hdr, reserved2, 8);
SIZE(clp_rsp_hdr, 16);

OFFSET(clp_rsp_slpc_pci, lpif, 32);
OFFSET(clp_rsp_slpc_pci, lpic, 96);
SIZE(clp_rsp_slpc_pci, 128);

OFFSET(clp_req_list_pci, resume_token, 16);
OFFSET(clp_req_list_pci, reserved2, 24);
SIZE(clp_req_list_pci, 32);

OFFSET(clp_rsp_list_pci, resume_token, 16);
OFFSET(clp_rsp_list_pci, max_fn, 28);
OFFSET(clp_rsp_list_pci, entry_size, 31);

OFFSET(clp_fh_list_entry, device_id, 0);
OFFSET(clp_fh_list_entry, vendor_id, 2);
OFFSET(clp_fh_list_entry, fid, 8);
OFFSET(clp_fh_list_entry, fh, 12);
SIZE(clp_fh_list_entry, 16);

OFFSET(clp_req_query_pci, fh, 16);
OFFSET(clp_req_query_pci, reserved2, 20);
OFFSET(clp_req_query_pci, reserved3, 24);
SIZE(clp_req_query_pci, 32);

OFFSET(clp_rsp_query_pci, vfn, 16);
OFFSET(clp_rsp_query_pci, fid, 20);
OFFSET(clp_rsp_query_pci, bar_size, 24);
OFFSET(clp_rsp_query_pci, pchid, 30);
OFFSET(clp_rsp_query_pci, bar, 32);
OFFSET(clp_rsp_query_pci, pfip, 56);
OFFSET(clp_rsp_query_pci, fmb_len, 62);
OFFSET(clp_rsp_query_pci, pft, 63);
OFFSET(clp_rsp_query_pci, sdma, 64);
OFFSET(clp_rsp_query_pci, edma, 72);
OFFSET(clp_rsp_query_pci, rid, 80);
OFFSET(clp_rsp_query_pci, tid, 86);
OFFSET(clp_rsp_query_pci, uid, 124);
OFFSET(clp_rsp_query_pci, util_str, 128);
OFFSET(clp_rsp_query_pci, mio, 256);
SIZE(clp_rsp_query_pci, 384);

OFFSET(mio_info, addr, 8);
OFFSET(mio_info, reserved, 104);
SIZE(mio_info, 128);

OFFSET(clp_req_query_pci_grp, reserved3, 20);
OFFSET(clp_req_query_pci_grp, reserved4, 24);
SIZE(clp_req_query_pci_grp, 32);

OFFSET(clp_rsp_query_pci_grp, version, 18);
OFFSET(clp_rsp_query_pci_grp, mui, 22);
OFFSET(clp_rsp_query_pci_grp, dtsm, 24);
OFFSET(clp_rsp_query_pci_grp, maxfaal, 26);
OFFSET(clp_rsp_query_pci_grp, maxcpu, 30);
OFFSET(clp_rsp_query_pci_grp, dasm, 32);
OFFSET(clp_rsp_query_pci_grp, msia, 40);
SIZE(clp_rsp_query_pci_grp, 64);

OFFSET(clp_req_set_pci, fh, 16);
OFFSET(clp_req_set_pci, reserved2, 20);
OFFSET(clp_req_set_pci, oc, 22);
OFFSET(clp_req_set_pci, ndas, 23);
OFFSET(clp_req_set_pci, reserved3, 24);
OFFSET(clp_req_set_pci, gisa, 28);
SIZE(clp_req_set_pci, 32);

OFFSET(clp_rsp_set_pci, fh, 16);
OFFSET(clp_rsp_set_pci, reserved1, 20);
OFFSET(clp_rsp_set_pci, reserved2, 24);
OFFSET(clp_rsp_set_pci, mio, 32);
SIZE(clp_rsp_set_pci, 160);

/* The crates make roots without a storage key */
static_assert(ZPCI_KEY == 0);
