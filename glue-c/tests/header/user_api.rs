// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The header for user space against the structures that user space is given.

use core::mem::offset_of;
use std::fs;

use s390_iommu::vfio::{
    identifier, Array, CapabilityHeader, DeviceInformation, DmaAvailable, FunctionEntry, GapEntry, GroupEntry,
    HardwareInformation, IommuInformation, IovaRangeEntry, IovaRanges, MeasurementSample, MeasurementSwitch, Migration,
    MsiCapability, MsiWindowEntry, ProposedZpciBase, ProposedZpciGroup, TableFormatEntry,
};
use s390_iommu::Reasons;

use crate::compiler::{accept, check, file};
use crate::layout::{asserts, size_of_field, structure, Member, Structure};

const HEADER: &str = "include/uapi/linux/vfio_zpci.h";

const CONSTANTS: [(&str, u32); 30] = [
    ("VFIO_ZPCI_FIRST_ID", *identifier::OWN.start() as u32),
    ("VFIO_ZPCI_LAST_ID", *identifier::OWN.end() as u32),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS", identifier::TABLE_FORMATS as u32),
    ("VFIO_ZPCI_TABLE_FORMAT_S390", TableFormatEntry::S390),
    ("VFIO_ZPCI_TABLE_FORMAT_RELAXED", TableFormatEntry::RELAXED_TRANSLATION),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI", identifier::MSI as u32),
    ("VFIO_ZPCI_MSI_NEEDS_MAPPING", MsiCapability::NEEDS_MAPPING),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS", identifier::GAPS as u32),
    ("VFIO_ZPCI_GAP_OUTSIDE", Reasons::OUTSIDE.0),
    ("VFIO_ZPCI_GAP_DIRECT", Reasons::DIRECT.0),
    ("VFIO_ZPCI_GAP_DIRECT_RELAXABLE", Reasons::DIRECT_RELAXABLE.0),
    ("VFIO_ZPCI_GAP_RESERVED", Reasons::RESERVED.0),
    ("VFIO_ZPCI_GAP_MSI", Reasons::MSI.0),
    ("VFIO_ZPCI_GAP_SOFTWARE_MSI", Reasons::SOFTWARE_MSI.0),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUPS", identifier::GROUPS as u32),
    ("VFIO_ZPCI_GROUP_REFRESH", GroupEntry::REFRESH),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS", identifier::FUNCTIONS as u32),
    ("VFIO_ZPCI_FUNCTION_PHYSICAL", FunctionEntry::PHYSICAL),
    ("VFIO_ZPCI_FUNCTION_UTIL_STR", FunctionEntry::UTILITY_STRING),
    ("IOMMU_HW_INFO_TYPE_ZPCI", identifier::HARDWARE),
    ("IOMMU_HW_INFO_TYPE_ZPCI_PROPOSED", identifier::PROPOSED_HARDWARE),
    ("IOMMU_HW_INFO_ZPCI_RELAXED", HardwareInformation::RELAXED_TRANSLATION),
    ("IOMMU_HW_INFO_ZPCI_REFRESH", HardwareInformation::REFRESH),
    ("IOMMU_HW_INFO_ZPCI_MSI_WINDOW", HardwareInformation::MSI_WINDOW),
    ("VFIO_DEVICE_INFO_ZPCI_BASE_PHYSICAL", ProposedZpciBase::PHYSICAL),
    ("VFIO_DEVICE_INFO_ZPCI_GROUP_REFRESH", ProposedZpciGroup::REFRESH_ON_MAP),
    ("VFIO_DEVICE_INFO_ZPCI_GROUP_RELAXED", ProposedZpciGroup::RELAXED_TRANSLATION),
    ("VFIO_DEVICE_FEATURE_ZPCI_MEASURE", identifier::FEATURE_MEASURE),
    ("VFIO_DEVICE_FEATURE_ZPCI_SAMPLE", identifier::FEATURE_SAMPLE),
    ("VFIO_ZPCI_SAMPLE_TRANSFERS", MeasurementSample::TRANSFERS as u32),
];

fn structures() -> Vec<Structure> {
    vec![
        structure!("vfio_iommu_type1_info_cap_zpci_table_formats", Array, [
            "header": header, "nr_formats": nr_entries, "entry_size": entry_size,
        ]),
        structure!("vfio_zpci_table_format", TableFormatEntry, [
            "frame_sizes": frame_sizes, "format": format, "flags": flags, "designation_types": designation_types,
            "reserved": reserved,
        ]),
        structure!("vfio_iommu_type1_info_cap_zpci_msi", MsiCapability, [
            "header": header, "flags": flags, "nr_pages": nr_pages, "page_size": page_size, "nr_windows": nr_windows,
            "entry_size": entry_size,
        ]),
        structure!("vfio_zpci_msi_window", MsiWindowEntry, [
            "start": start, "end": end, "flags": flags, "reserved": reserved,
        ]),
        structure!("vfio_iommu_type1_info_cap_zpci_gaps", Array, [
            "header": header, "nr_gaps": nr_entries, "entry_size": entry_size,
        ]),
        structure!("vfio_zpci_gap", GapEntry, [
            "start": start, "end": end, "reasons": reasons, "reserved": reserved,
        ]),
        structure!("vfio_iommu_type1_info_cap_zpci_groups", Array, [
            "header": header, "nr_groups": nr_entries, "entry_size": entry_size,
        ]),
        structure!("vfio_zpci_group", GroupEntry, [
            "dasm": dasm, "msi_addr": msi_addr, "flags": flags, "mui": mui, "noi": noi, "maxstbl": maxstbl,
            "version": version, "gid": gid, "reserved": reserved,
        ]),
        structure!("vfio_iommu_type1_info_cap_zpci_functions", Array, [
            "header": header, "nr_functions": nr_entries, "entry_size": entry_size,
        ]),
        structure!("vfio_zpci_function", FunctionEntry, [
            "fid": fid, "uid": uid, "start_dma": start_dma, "end_dma": end_dma, "flags": flags, "pchid": pchid,
            "vfn": vfn, "fmb_length": fmb_length, "pft": pft, "gid": gid, "pfip": pfip, "port": port,
            "fidparm": fidparm, "format": format, "reserved": reserved, "util_str": util_str,
        ]),
        structure!("iommu_hw_info_zpci", HardwareInformation, [
            "flags": flags, "designation_types": designation_types, "dtsm": dtsm, "reserved": reserved,
            "frame_sizes": frame_sizes, "msi_start": msi_start, "msi_end": msi_end,
        ]),
        structure!("vfio_device_info_cap_zpci_base_proposed", ProposedZpciBase, [
            "header": base.header, "start_dma": base.start_dma, "end_dma": base.end_dma, "pchid": base.pchid,
            "vfn": base.vfn, "fmb_length": base.fmb_length, "pft": base.pft, "gid": base.gid, "fh": base.fh,
            "ccdf_err_length": base.ccdf_err_length, "uid": uid, "flags": flags,
        ]),
        structure!("vfio_device_info_cap_zpci_group_proposed", ProposedZpciGroup, [
            "header": group.header, "dasm": group.dasm, "msi_addr": group.msi_addr, "flags": group.flags,
            "mui": group.mui, "noi": group.noi, "maxstbl": group.maxstbl, "version": group.version,
            "reserved": group.reserved, "imaxstbl": group.imaxstbl, "reserved2": group.padding,
            "machine_flags": machine_flags, "dtsm": dtsm, "reserved3": reserved2,
        ]),
        structure!("vfio_device_feature_zpci_measure", MeasurementSwitch, ["enable": enable, "reserved": reserved]),
        structure!("vfio_device_feature_zpci_sample", MeasurementSample, [
            "interval": interval, "sample": sample, "format": format, "flags": flags, "reserved": reserved,
            "last_update": last_update, "loads": loads, "stores": stores, "block_stores": block_stores,
            "refreshes": refreshes, "transfers": transfers,
        ]),
    ]
}

/// Structures of Linux. The last four bytes of those at the front of an answer, `pad`, are not in older headers.
fn of_linux() -> Vec<Structure> {
    vec![
        structure!("vfio_info_cap_header", CapabilityHeader, ["id": id, "version": version, "next": next]),
        structure!("vfio_iommu_type1_info", IommuInformation, [
            "argsz": argsz, "flags": flags, "iova_pgsizes": iova_pgsizes, "cap_offset": cap_offset,
        ]),
        Structure {
            size: None,
            ..structure!("vfio_device_info", DeviceInformation, [
                "argsz": argsz, "flags": flags, "num_regions": num_regions, "num_irqs": num_irqs,
                "cap_offset": cap_offset,
            ])
        },
        structure!("vfio_iommu_type1_info_cap_iova_range", IovaRanges, [
            "header": header, "nr_iovas": nr_iovas, "reserved": reserved,
        ]),
        structure!("vfio_iova_range", IovaRangeEntry, ["start": start, "end": end]),
        structure!("vfio_iommu_type1_info_cap_migration", Migration, [
            "header": header, "flags": flags, "pgsize_bitmap": pgsize_bitmap,
            "max_dirty_bitmap_size": max_dirty_bitmap_size,
        ]),
        structure!("vfio_iommu_type1_info_dma_avail", DmaAvailable, ["header": header, "avail": avail]),
    ]
}

const OF_LINUX: [(&str, u32); 8] = [
    ("VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE", identifier::IOVA_RANGES as u32),
    ("VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION", identifier::MIGRATION as u32),
    ("VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL", identifier::DMA_AVAILABLE as u32),
    ("VFIO_DEVICE_INFO_CAP_ZPCI_BASE", identifier::DEVICE_BASE as u32),
    ("VFIO_IOMMU_INFO_PGSIZES", IommuInformation::PAGE_SIZES),
    ("VFIO_IOMMU_INFO_CAPS", IommuInformation::CAPABILITIES),
    ("VFIO_DEVICE_FLAGS_PCI", DeviceInformation::PCI),
    ("VFIO_DEVICE_FLAGS_CAPS", DeviceInformation::CAPABILITIES),
];

/// The structures and numbers of Linux, by the headers that the compiler finds.
pub(crate) fn linux() {
    let numbers = OF_LINUX.map(|(name, value)| format!("_Static_assert({name} == {value}, \"{name}\");\n"));
    accept(&with_header(&(asserts(&of_linux()) + &numbers.concat())), &[]);
}

/// `text` after the header.
fn with_header(text: &str) -> String {
    format!("#include \"uapi/linux/vfio_zpci.h\"\n{text}")
}

/// Sizes and offsets are the same, and a member that were a byte further on would be noticed.
pub(crate) fn layout() {
    let mut structures = structures();
    accept(&with_header(&asserts(&structures)), &[]);
    for index in 0..structures.len() {
        for member in 0..structures[index].members.len() {
            structures[index].members[member].offset += 1;
            let wrong = asserts(&structures[index..=index]);
            assert!(check(&with_header(&wrong), &[]).is_err(), "{wrong}");
            structures[index].members[member].offset -= 1;
        }
    }
}

/// Every byte has a member on both sides, and every structure of the header is compared.
pub(crate) fn nothing_is_left_out() {
    let structures = structures();
    for structure in &structures {
        let mut end = 0;
        for member in &structure.members {
            assert_eq!(member.offset, end, "{}.{}", structure.name, member.name);
            end += member.size;
        }
        assert_eq!(Some(end), structure.size, "{}", structure.name);
    }
    let header = fs::read_to_string(file(HEADER)).expect("the header");
    let declared = header.lines().filter_map(|line| line.strip_prefix("struct ")?.strip_suffix(" {"));
    let compared: Vec<&str> = structures.iter().map(|structure| structure.name).collect();
    assert_eq!(declared.collect::<Vec<_>>(), compared);
}

/// The numbers that have names.
pub(crate) fn constants() {
    let header = fs::read_to_string(file(HEADER)).expect("the header");
    let defined: Vec<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "_UAPI_LINUX_VFIO_ZPCI_H")
        .collect();
    assert_eq!(defined, CONSTANTS.map(|(name, _)| name));
    let asserts = CONSTANTS.map(|(name, value)| format!("_Static_assert({name} == {value}, \"{name}\");\n"));
    accept(&with_header(&asserts.concat()), &[]);
}
