// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Offsets and sizes as the Rust compiler has them, and as `kernel/layout.c` asserts them.

use core::mem::offset_of;
use std::collections::BTreeSet;
use std::fs;

use clp::{list_pci, mio, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, RequestHeader, ResponseHeader};
use s390_iommu::vfio::{CapabilityHeader, ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString};
use s390_iommu::{ErrorEvent, Fib};
use zpci_glue::attachment::{ForeignAttachment, ForeignOutcome};
use zpci_glue::container::{ForeignMember, ForeignRefusal};
use zpci_glue::function::ForeignFunction;
use zpci_glue::limits::ForeignLimits;
use zpci_glue::range::ForeignRange;
use zpci_glue::reclaim::ForeignReclaimed;
use zpci_glue::table::{ForeignRoot, ForeignUnmapped};

use crate::binding::{ForeignChain, ForeignEvent, KernelHooks, KernelLock, KernelWaited, MachineHooks};
use crate::compiler::{accept, file};

/// A structure of C, in bytes.
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    /// Nothing where C goes on with what Rust has no part of.
    pub(crate) size: Option<usize>,
    pub(crate) members: Vec<Member>,
}

/// A member of a structure of C, in bytes.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

pub(crate) fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// A structure of C by that name, with its members as Rust has them.
macro_rules! structure {
    ($name:literal, $rust:ty, [$($member:literal: $($field:ident).+),* $(,)?]) => {
        Structure {
            name: $name,
            size: Some(size_of::<$rust>()),
            members: vec![$(Member {
                name: $member,
                offset: offset_of!($rust, $($field).+),
                size: size_of_field(|it: &$rust| &it.$($field).+),
            }),*],
        }
    };
}

pub(crate) use structure;

/// Bytes of `struct zpci_rust_attachment`.
const ATTACHMENT: usize = 72;
/// Bytes of `struct zpci_rust_table`.
const TABLE: usize = 32;

/// What C has room for alone: the library asserts that what Rust has fits.
fn opaque(name: &'static str, size: usize) -> Structure {
    Structure { name, size: Some(size), members: vec![Member { name: "opaque", offset: 0, size }] }
}

/// The structures of the header.
fn of_rust() -> [Structure; 11] {
    [
        structure!("zpci_rust_function", ForeignFunction, [
            "start_dma": start_dma, "end_dma": end_dma, "dasm": dasm, "msi_address": msi_address,
            "mio_write_back": mio_write_back, "mio_write_through": mio_write_through, "id": id, "uid": uid,
            "handle": handle, "gisa": gisa, "bars": bars, "vfn": vfn, "pchid": pchid, "fmb_length": fmb_length,
            "rid": rid, "tid": tid, "max_interrupts": max_interrupts, "max_store_block": max_store_block,
            "measurement_interval": measurement_interval, "group": group, "function_type": function_type,
            "port": port, "fidparm": fidparm, "designation_types": designation_types, "version": version,
            "mio_bars": mio_bars, "flags": flags, "bar_size_log2": bar_size_log2, "internal_path": internal_path,
            "directed_interrupts": directed_interrupts, "roots": roots, "reserved": reserved, "utility_string": utility_string,
        ]),
        opaque("zpci_rust_table", TABLE),
        structure!("zpci_rust_root", ForeignRoot, [
            "origin": origin, "designation_type": root, "large": large, "reserved": reserved,
        ]),
        structure!("zpci_rust_range", ForeignRange, ["start": start, "last": last]),
        structure!("zpci_rust_limits", ForeignLimits, [
            "start_dma": start_dma, "end_dma": end_dma, "designation_types": designation_types,
            "function_type": function_type, "flags": flags, "roots": roots, "reserved": reserved
        ]),
        structure!("zpci_rust_unmapped", ForeignUnmapped, ["range": range, "pages": pages]),
        structure!("zpci_rust_reclaimed", ForeignReclaimed, ["list": list, "span": span]),
        opaque("zpci_rust_attachment", ATTACHMENT),
        structure!("zpci_rust_outcome", ForeignOutcome, ["cc": cc, "status": status]),
        structure!("zpci_rust_member", ForeignMember, [
            "function": function, "root": root, "start": start, "last": last,
        ]),
        structure!("zpci_rust_refusal", ForeignRefusal, [
            "wanted": wanted, "found": found, "id": id, "reason": reason,
        ]),
    ]
}

/// The structures of the kernel: what MPCIFC is given, the capabilities, the blocks of CLP.
pub(crate) fn of_the_kernel() -> Vec<Structure> {
    vec![
        structure!("zpci_fib", Fib, [
            "fc": state, "pba": first, "pal": last, "iota": iota, "fmt0.aibv": interrupts.vector,
            "fmt0.aisb": interrupts.summary, "fmb_addr": measurement_block, "gd": gisa,
        ]),
        structure!("vfio_info_cap_header", CapabilityHeader, ["id": id, "version": version, "next": next]),
        structure!("vfio_device_info_cap_zpci_base", ZpciBase, [
            "header": header, "start_dma": start_dma, "end_dma": end_dma, "pchid": pchid, "vfn": vfn,
            "fmb_length": fmb_length, "pft": pft, "gid": gid, "fh": fh,
        ]),
        structure!("vfio_device_info_cap_zpci_group", ZpciGroup, [
            "header": header, "dasm": dasm, "msi_addr": msi_addr, "flags": flags, "mui": mui, "noi": noi,
            "maxstbl": maxstbl, "version": version, "reserved": reserved, "imaxstbl": imaxstbl,
        ]),
        Structure {
            size: Some(offset_of!(ZpciUtilityString, util_str)),
            ..structure!("vfio_device_info_cap_zpci_util", ZpciUtilityString, ["header": header, "size": size])
        },
        Structure {
            size: Some(offset_of!(ZpciPath, pfip)),
            ..structure!("vfio_device_info_cap_zpci_pfip", ZpciPath, ["header": header, "size": size])
        },
        structure!("clp_req_hdr", RequestHeader, ["len": length, "cmd": command, "reserved2": reserved]),
        structure!("clp_rsp_hdr", ResponseHeader, ["len": length, "rsp": code, "reserved2": reserved]),
        structure!("clp_rsp_slpc_pci", slpc::Response, ["lpif": lpif, "lpic": lpic]),
        structure!("clp_req_list_pci", list_pci::Request, ["resume_token": resume_token, "reserved2": reserved]),
        Structure {
            size: None,
            ..structure!("clp_rsp_list_pci", list_pci::Response, [
                "resume_token": resume_token, "max_fn": max_functions, "entry_size": entry_size,
            ])
        },
        structure!("clp_fh_list_entry", list_pci::Entry, [
            "device_id": device, "vendor_id": vendor, "fid": function_id, "fh": handle,
        ]),
        structure!("clp_req_query_pci", query_pci_fn::Request, [
            "fh": handle, "reserved2": reserved_20, "reserved3": reserved_24,
        ]),
        structure!("clp_rsp_query_pci", query_pci_fn::Response, [
            "vfn": vfn, "fid": function_id, "bar_size": bar_size_log2, "pchid": pchid, "bar": bar, "pfip": pfip,
            "fmb_len": fmb_length, "pft": pft, "sdma": start_dma, "edma": end_dma, "rid": rid, "tid": tid,
            "uid": uid, "util_str": utility_string, "mio": mio,
        ]),
        structure!("mio_info", mio::MioInfo, ["addr": addresses, "reserved": reserved_104]),
        structure!("clp_req_query_pci_grp", query_pci_fngrp::Request, [
            "reserved3": reserved_20, "reserved4": reserved_24,
        ]),
        structure!("clp_rsp_query_pci_grp", query_pci_fngrp::Response, [
            "version": version, "mui": measurement_interval, "dtsm": designation_types, "maxfaal": maxfaal,
            "maxcpu": max_cpu, "dasm": dasm, "msia": msi_address,
        ]),
        structure!("clp_req_set_pci", set_pci_fn::Request, [
            "fh": handle, "reserved2": reserved_20, "oc": operation, "ndas": dma_address_spaces,
            "reserved3": reserved_24, "gisa": gisa,
        ]),
        structure!("clp_rsp_set_pci", set_pci_fn::Response, [
            "fh": handle, "reserved1": reserved_20, "reserved2": reserved_24, "mio": mio,
        ]),
    ]
}

/// What a structure of user space has in addition since Linux 7.3.
pub(crate) fn base_since_7_3() -> Structure {
    Structure {
        size: None,
        ..structure!("vfio_device_info_cap_zpci_base", ZpciBase, ["ccdf_err_length": ccdf_err_length])
    }
}

/// What the kernel has in addition since Linux 7.3.
fn since_7_3() -> [Structure; 2] {
    [
        base_since_7_3(),
        structure!("zpci_ccdf_err", ErrorEvent, [
            "fh": handle, "fid": id, "faddr": address, "reserved3": reserved_24, "reserved4": reserved_28, "pec": code,
        ]),
    ]
}

/// What the C compiler has to find true.
pub(crate) fn asserts(structures: &[Structure]) -> String {
    let mut text = String::from("#include <stddef.h>\n");
    for Structure { name, size, members } in structures {
        for Member { name: member, offset, size } in members {
            let (is_there, is_wide) = (
                format!("offsetof(struct {name}, {member}) == {offset}"),
                format!("sizeof(((struct {name} *)0)->{member}) == {size}"),
            );
            text += &format!("_Static_assert({is_there} && {is_wide}, \"{name}.{member}\");\n");
        }
        if let Some(size) = size {
            text += &format!("_Static_assert(sizeof(struct {name}) == {size}, \"{name}\");\n");
        }
    }
    text
}

pub(crate) fn of_the_header() {
    assert!(size_of::<ForeignAttachment>() <= ATTACHMENT && align_of::<ForeignAttachment>() <= 8);
    accept(&format!("#include \"zpci_rust.h\"\n{}", asserts(&of_rust())), &[]);
    // Every structure of the header is compared.
    let header = fs::read_to_string(file("include/zpci_rust.h")).expect("the header");
    let declared = header.lines().filter_map(|line| line.strip_prefix("struct ")?.strip_suffix(" {"));
    let compared = of_rust().map(|structure| structure.name);
    assert_eq!(declared.collect::<BTreeSet<_>>(), compared.into_iter().collect());
}

/// The structures of the C side of the tests.
pub(crate) fn of_the_tests() {
    let structures = [
        structure!("stand_in_event", ForeignEvent, ["numbers": numbers, "kind": kind, "size": size, "bytes": bytes]),
        structure!("shim_chain", ForeignChain, [
            "buffer": buffer, "capacity": capacity, "size": size, "last": last, "accept": accept, "calls": calls,
        ]),
        structure!("kernel_hooks", KernelHooks, [
            "context": context, "yield": yield_, "wait": wait, "section": section, "may_allocate": may_allocate,
        ]),
        structure!("stand_in_machine", MachineHooks, [
            "context": context, "call": call, "mpcifc": mpcifc, "rpcit": rpcit, "pause": pause, "table": table,
        ]),
        structure!("rwlock", KernelLock, ["taken": taken, "readers": readers]),
        structure!("kernel_waited", KernelWaited, ["interruptible": interruptible, "in_line": in_line]),
    ];
    let headers = "#include \"shim.h\"\n#include \"stand_in.h\"\n#include \"kernel_test.h\"\n";
    let options = ["tests/c", "tests/linux"].map(|folder| format!("-I{}", file(folder).display()));
    accept(&format!("{headers}{}", asserts(&structures)), &options);
}

/// Nothing between the members of the header's structures is left out.
pub(crate) fn every_byte_has_a_member() {
    for structure in of_rust() {
        let mut end = 0;
        for member in &structure.members {
            assert_eq!(member.offset, end, "{}.{}", structure.name, member.name);
            end += member.size;
        }
        assert_eq!(Some(end), structure.size, "{}", structure.name);
    }
}

/// `kernel/layout.c`, which the compiler of the kernel checks, has these numbers, and no others.
pub(crate) fn what_the_kernel_asserts() {
    let mut lines = BTreeSet::new();
    for Structure { name, size, members } in of_rust().into_iter().chain(of_the_kernel()).chain(since_7_3()) {
        for member in members {
            lines.insert(format!("OFFSET({name}, {}, {});", member.name, member.offset));
        }
        lines.extend(size.map(|size| format!("SIZE({name}, {size});")));
    }
    let text = fs::read_to_string(file("kernel/layout.c")).expect("the assertions");
    let asserted = text.lines().filter(|line| line.starts_with("OFFSET(") || line.starts_with("SIZE("));
    let asserted: BTreeSet<String> = asserted.map(str::to_owned).collect();
    assert_eq!(lines.symmetric_difference(&asserted).collect::<Vec<_>>(), Vec::<&String>::new());
}
