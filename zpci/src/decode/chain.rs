// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Buffers of VFIO and iommufd: the structure at the front, and the chain of capabilities.

use clp::field::Layout;
use clp::UtilityString;
use s390_iommu::vfio::REASONS;
use s390_iommu::vfio::{
    identifier, ByteOrder, Capabilities, DeviceInformation, Information, IommuInformation, RawCapability, ARRAY,
    CAPABILITY_HEADER, DEVICE_INFORMATION, DMA_AVAILABLE, FUNCTION_ENTRY, GAP_ENTRY, GROUP_ENTRY, HARDWARE_INFORMATION,
    IOMMU_INFORMATION, IOVA_RANGES, IOVA_RANGE_ENTRY, MIGRATION, MSI_CAPABILITY, MSI_WINDOW_ENTRY, TABLE_FORMAT_ENTRY,
    ZPCI_BASE, ZPCI_GROUP, ZPCI_PATH, ZPCI_UTILITY_STRING,
};

use super::recognise;
use super::table::{number, Structure};
use super::text;
use crate::report::{Report, Section};

/// Decodes the buffer of VFIO_DEVICE_GET_INFO.
pub(crate) fn device(bytes: &[u8], order: Option<ByteOrder>) -> Report {
    buffer::<DeviceInformation>(bytes, order, &DEVICE_INFORMATION, "vfio-device", device_capability)
}

/// Decodes the buffer of VFIO_IOMMU_GET_INFO.
pub(crate) fn iommu(bytes: &[u8], order: Option<ByteOrder>) -> Report {
    buffer::<IommuInformation>(bytes, order, &IOMMU_INFORMATION, "vfio-iommu", iommu_capability)
}

/// Decodes the s390 data of IOMMU_GET_HW_INFO.
pub(crate) fn hardware(bytes: &[u8], order: Option<ByteOrder>) -> Report {
    let layout = &HARDWARE_INFORMATION;
    let mut report = Report { kind: "hw-info", title: layout.title.to_owned(), ..Report::default() };
    // Sizes of frames are those of pages of 4 KiB at least, in the right order of bytes.
    let has = |order| {
        let structure = Structure { layout, bytes, offset: 0, order };
        structure.number("frame_sizes").is_some_and(|sizes| sizes & 0x1000 != 0 && sizes < 1 << 32)
    };
    let order = order.unwrap_or(match (has(ByteOrder::Big), has(ByteOrder::Little)) {
        (false, true) => ByteOrder::Little,
        _ => ByteOrder::Big,
    });
    if bytes.len() < layout.size {
        let text = format!("{}: it has {} bytes, and the input {}", layout.title, layout.size, bytes.len());
        report.complain(0, bytes.len(), "length", "that of the structure", text);
    }
    let structure = Structure { layout, bytes: bytes.get(..layout.size).unwrap_or(bytes), offset: 0, order };
    let mut section = structure.read("information", &mut report);
    section.summary = String::new();
    report.headline = format!("{}, {}", layout.title, order_name(order));
    report.sections.push(section);
    rest(bytes, layout.size, 0, layout.title, &mut report);
    report
}

fn order_name(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Big => "big-endian",
        ByteOrder::Little => "little-endian",
    }
}

/// Bytes behind `size` that are not zero, of which nobody knows what they are.
fn rest(bytes: &[u8], size: usize, offset: usize, title: &str, report: &mut Report) {
    if let Some(first) = bytes.iter().skip(size).position(|byte| *byte != 0) {
        let at = offset + size + first;
        report.notes.push(format!("{title}: bytes from {at:#06x} on are in no field that is known"));
    }
}

type Describe = fn(&RawCapability<'_>, &mut Section, usize, &mut Report);

/// Decodes a structure with capabilities behind it.
fn buffer<I: Information>(
    bytes: &[u8],
    order: Option<ByteOrder>,
    layout: &'static Layout,
    kind: &'static str,
    describe: Describe,
) -> Report {
    let mut report = Report { kind, title: layout.title.to_owned(), ..Report::default() };
    let Some(order) = order.or_else(|| recognise::order_of(bytes)) else {
        report.headline.clone_from(&report.title);
        let text = format!("{}: argsz is no size in either order of bytes", layout.title);
        report.complain(0, 4, "argsz", "a size", text);
        return report;
    };
    let (information, capabilities) = match Capabilities::new::<I>(bytes, order) {
        Ok(both) => both,
        Err(error) => {
            report.headline.clone_from(&report.title);
            report.complain(0, bytes.len().min(4), "argsz", "a whole structure", format!("{}: {error}", layout.title));
            return report;
        }
    };
    // Before Linux 6.6 a capability starts where the padding is.
    let first = information.cap_offset() as usize;
    let answered =
        bytes.get(..4).and_then(|bytes| number(order, bytes)).map_or(0, |argsz| bytes.len().min(argsz as usize));
    // What the kernel did not write is no part of the answer.
    let front = match information.has_capabilities() && first >= I::FRONT {
        true => layout.size.min(first),
        // Without the flag the kernel wrote no more than the oldest one does.
        false if !information.has_capabilities() || answered < I::FRONT => I::LEAST,
        false => layout.size.min(answered),
    };
    let structure = Structure { layout, bytes: bytes.get(..front).unwrap_or(bytes), offset: 0, order };
    let section = structure.read("information", &mut report);
    report.sections.push(section);
    let argsz = structure.number("argsz").unwrap_or(0) as usize;
    if argsz > bytes.len() {
        report.notes.push(format!("the answer takes {argsz} bytes, and the input has {}", bytes.len()));
    }
    let mut count = 0;
    // Where the first capability is said to be, or what there is of that field.
    let mut link = (bytes.len().min(16), bytes.len().saturating_sub(16).min(4));
    for raw in capabilities {
        let raw = match raw {
            Ok(raw) => raw,
            Err(error) => {
                report.complain(link.0, link.1, "next", "a whole chain", format!("{}: {error}", layout.title));
                break;
            }
        };
        count += 1;
        let at = raw.bytes.as_ptr() as usize - bytes.as_ptr() as usize;
        link = (at + 4, 4);
        let mut section =
            Section { name: format!("capability at {at:#06x}"), list: Some("capabilities"), ..Section::default() };
        describe(&raw, &mut section, at, &mut report);
        report.sections.push(section);
    }
    let used = argsz.min(bytes.len());
    report.headline = format!(
        "{}, {}, {used} bytes, {count} capabilit{}",
        layout.title,
        order_name(order),
        if count == 1 { "y" } else { "ies" }
    );
    report
}

/// Reads a capability that is one structure, of which an old version may have less.
fn single(
    raw: &RawCapability<'_>,
    layout: &'static Layout,
    end: usize,
    section: &mut Section,
    at: usize,
    report: &mut Report,
) {
    let bytes = raw.bytes.get(..end.min(raw.bytes.len())).unwrap_or(raw.bytes);
    let structure = Structure { layout, bytes, offset: at, order: raw.order };
    if raw.bytes.len() < end {
        let text = format!("{}: it has {end} bytes, and there are {}", layout.title, raw.bytes.len());
        report.complain(at, raw.bytes.len(), "length", "that of the structure", text);
    }
    structure.read_into(section, report, "");
    rest(raw.bytes, end.max(layout.size.min(raw.bytes.len())), at, layout.title, report);
}

/// A capability that is an array.
struct ArrayOf {
    front: &'static Layout,
    entry: &'static Layout,
    /// The field of the front with the number of entries.
    count: &'static str,
    /// What an entry says in short.
    say: fn(&Structure<'_>) -> String,
}

/// Reads a capability that is an array: its front, and the entries behind it.
fn array(raw: &RawCapability<'_>, of: &ArrayOf, section: &mut Section, at: usize, report: &mut Report) {
    let ArrayOf { front, entry, count: count_name, say } = *of;
    single_front(raw, front, section, at, report);
    let structure = Structure { layout: front, bytes: raw.bytes, offset: at, order: raw.order };
    let count = structure.number(count_name).unwrap_or(0) as usize;
    let size = structure.number("entry_size").unwrap_or(entry.size as u64) as usize;
    if size < entry.size {
        let text = format!("{}: entries of {size} bytes, and one has {}", front.title, entry.size);
        report.complain(at + front.size - 4, 4, "entry_size", &format!("at least {}", entry.size), text);
        return;
    }
    let bytes = raw.bytes.get(front.size..).unwrap_or_default();
    if count.checked_mul(size).is_none_or(|all| all > bytes.len()) {
        let text = format!("{}: {count} entries of {size} bytes, and there are {} bytes", front.title, bytes.len());
        let field = front.field(count_name).map_or(8, |field| field.offset);
        report.complain(at + field, 4, count_name, "within the capability", text);
    }
    let mut said = Vec::new();
    for (index, bytes) in bytes.chunks_exact(size).take(count).enumerate() {
        let offset = at + front.size + index * size;
        let structure = Structure { layout: entry, bytes, offset, order: raw.order };
        structure.read_into(section, report, &format!("[{index}]."));
        rest(bytes, entry.size, offset, entry.title, report);
        said.push(say(&structure));
    }
    section.summary = said.join("\n");
}

fn single_front(
    raw: &RawCapability<'_>,
    front: &'static Layout,
    section: &mut Section,
    at: usize,
    report: &mut Report,
) {
    let bytes = raw.bytes.get(..front.size.min(raw.bytes.len())).unwrap_or(raw.bytes);
    if bytes.len() < front.size {
        let text = format!("{}: it has {} bytes, and there are {}", front.title, front.size, bytes.len());
        report.complain(at, bytes.len(), "length", "that of the structure", text);
    }
    Structure { layout: front, bytes, offset: at, order: raw.order }.read_into(section, report, "");
}

fn range(entry: &Structure<'_>) -> String {
    format!("{:#x}..={:#x}", entry.number("start").unwrap_or(0), entry.number("end").unwrap_or(0))
}

fn device_capability(raw: &RawCapability<'_>, section: &mut Section, at: usize, report: &mut Report) {
    let version = raw.header.version;
    let named = |section: &mut Section, name: &str| section.name = format!("{:#06x} {name} v{version}", at);
    match (raw.header.id, version) {
        (identifier::DEVICE_BASE, 1..) => {
            named(section, "zPCI function");
            // Version 2 has the handle, 3 the length of events.
            let end = [32, 36, 40].get(usize::from(version - 1)).copied().unwrap_or(40);
            single(raw, &ZPCI_BASE, end, section, at, report);
            let it = Structure {
                layout: &ZPCI_BASE,
                bytes: raw.bytes.get(..end).unwrap_or(raw.bytes),
                offset: at,
                order: raw.order,
            };
            let number = |name| it.number(name).unwrap_or(0);
            let handle = it.number("fh").map(|handle| format!(" HANDLE {handle:#010x}")).unwrap_or_default();
            section.summary = format!(
                "PCHID {:#06x} VFN {:#06x} PFT {} GROUP {:#04x}{handle} DMA {:#x}..={:#x}",
                number("pchid"),
                number("vfn"),
                text::function_type(number("pft") as u8),
                number("gid"),
                number("start_dma"),
                number("end_dma")
            );
        }
        (identifier::DEVICE_GROUP, 1..) => {
            named(section, "zPCI group");
            single(raw, &ZPCI_GROUP, if version == 1 { 40 } else { 48 }, section, at, report);
            let it = Structure { layout: &ZPCI_GROUP, bytes: raw.bytes, offset: at, order: raw.order };
            let number = |name| it.number(name).unwrap_or(0);
            let refresh = if number("flags") & 1 != 0 { "refresh on map, " } else { "" };
            let longest = if version == 1 || number("imaxstbl") == 0 { number("maxstbl") } else { number("imaxstbl") };
            section.summary = format!(
                "{} interrupts, store block {longest} bytes, {refresh}{} ms, MSI {:#x}",
                number("noi"),
                number("mui"),
                number("msi_addr")
            );
        }
        (identifier::DEVICE_UTILITY_STRING, 1..) => {
            named(section, "zPCI utility string");
            single(raw, &ZPCI_UTILITY_STRING, 76, section, at, report);
            let bytes = raw.bytes.get(12..76).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
            section.summary = bytes.map(|bytes| format!("{:?}", UtilityString(bytes).to_string())).unwrap_or_default();
        }
        (identifier::DEVICE_PATH, 1..) => {
            named(section, "zPCI function internal path");
            single(raw, &ZPCI_PATH, 16, section, at, report);
            section.summary = raw
                .bytes
                .get(12..16)
                .map(|path| path.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join("."))
                .unwrap_or_default();
        }
        _ => unknown(raw, section, at, report),
    }
}

fn iommu_capability(raw: &RawCapability<'_>, section: &mut Section, at: usize, report: &mut Report) {
    let version = raw.header.version;
    let named = |section: &mut Section, name: &str| section.name = format!("{at:#06x} {name} v{version}");
    match (raw.header.id, version) {
        (identifier::IOVA_RANGES, 1) => {
            named(section, "IOVA ranges");
            let of = ArrayOf { front: &IOVA_RANGES, entry: &IOVA_RANGE_ENTRY, count: "nr_iovas", say: range };
            array(raw, &of, section, at, report);
        }
        (identifier::MIGRATION, 1) => {
            named(section, "migration");
            single(raw, &MIGRATION, MIGRATION.size, section, at, report);
            let it = Structure { layout: &MIGRATION, bytes: raw.bytes, offset: at, order: raw.order };
            section.summary = format!(
                "pages {:#x}, bitmaps up to {}",
                it.number("pgsize_bitmap").unwrap_or(0),
                text::size(it.number("max_dirty_bitmap_size").unwrap_or(0))
            );
        }
        (identifier::DMA_AVAILABLE, 1) => {
            named(section, "mappings available");
            single(raw, &DMA_AVAILABLE, DMA_AVAILABLE.size, section, at, report);
            let it = Structure { layout: &DMA_AVAILABLE, bytes: raw.bytes, offset: at, order: raw.order };
            section.summary = it.number("avail").unwrap_or(0).to_string();
        }
        (identifier::TABLE_FORMATS, 1..) => {
            named(section, "table formats");
            let of = ArrayOf { front: &ARRAY, entry: &TABLE_FORMAT_ENTRY, count: "nr_entries", say: table_format };
            array(raw, &of, section, at, report);
        }
        (identifier::MSI, 1..) => {
            named(section, "interrupts");
            let of = ArrayOf { front: &MSI_CAPABILITY, entry: &MSI_WINDOW_ENTRY, count: "nr_windows", say: range };
            array(raw, &of, section, at, report);
        }
        (identifier::GAPS, 1..) => {
            named(section, "gaps");
            let of = ArrayOf { front: &ARRAY, entry: &GAP_ENTRY, count: "nr_entries", say: gap };
            array(raw, &of, section, at, report);
        }
        (identifier::GROUPS, 1..) => {
            named(section, "zPCI groups");
            let of = ArrayOf { front: &ARRAY, entry: &GROUP_ENTRY, count: "nr_entries", say: group };
            array(raw, &of, section, at, report);
        }
        (identifier::FUNCTIONS, 1..) => {
            named(section, "zPCI functions");
            let of = ArrayOf { front: &ARRAY, entry: &FUNCTION_ENTRY, count: "nr_entries", say: function };
            array(raw, &of, section, at, report);
        }
        _ => unknown(raw, section, at, report),
    }
}

fn gap(entry: &Structure<'_>) -> String {
    format!("{}: {}", range(entry), text::bits(&REASONS, entry.number("reasons").unwrap_or(0)))
}

fn table_format(entry: &Structure<'_>) -> String {
    let number = |name| entry.number(name).unwrap_or(0);
    let roots = text::designation_types((number("designation_types") as u8).reverse_bits());
    let roots = roots.split_once(", ").map_or("no table", |(_, roots)| roots).to_owned();
    let relaxed = if number("flags") & 1 != 0 { ", relaxed translation" } else { "" };
    format!("frames {:#x}, roots {roots}{relaxed}", number("frame_sizes"))
}

fn group(entry: &Structure<'_>) -> String {
    let number = |name| entry.number(name).unwrap_or(0);
    let refresh = if number("flags") & 1 != 0 { "refresh on map, " } else { "" };
    format!(
        "{:#04x}: {} interrupts, store block {} bytes, {refresh}{} ms, MSI {:#x}",
        number("gid"),
        number("noi"),
        number("maxstbl"),
        number("mui"),
        number("msi_addr")
    )
}

fn function(entry: &Structure<'_>) -> String {
    let number = |name| entry.number(name).unwrap_or(0);
    let string = entry.bytes.get(48..112).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let string =
        string.filter(|_| number("flags") & 2 != 0).map(|bytes| format!(" {:?}", UtilityString(bytes).to_string()));
    format!(
        "FID {:#010x} UID {:#06x} PCHID {:#06x} VFN {:#06x} PFT {:#04x} GROUP {:#04x}{}",
        number("fid"),
        number("uid"),
        number("pchid"),
        number("vfn"),
        number("pft"),
        number("gid"),
        string.unwrap_or_default()
    )
}

/// A capability that nobody here knows.
fn unknown(raw: &RawCapability<'_>, section: &mut Section, at: usize, report: &mut Report) {
    section.name = format!("{at:#06x} unknown, identifier {:#06x} v{}", raw.header.id, raw.header.version);
    section.summary = format!("{} bytes", raw.bytes.len());
    let bytes = raw.bytes.get(..CAPABILITY_HEADER.size).unwrap_or(raw.bytes);
    Structure { layout: &CAPABILITY_HEADER, bytes, offset: at, order: raw.order }.read_into(section, report, "");
    report.notes.push(format!("the capability at {at:#06x} is not known: its bytes are not decoded"));
}
