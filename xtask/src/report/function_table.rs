// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The table of functions that a person reads.

use comfy_table::{presets, Table};

use crate::console::facts::{Bar, FunctionSummary, QuerySummary};

/// The functions, one a row.
pub(crate) fn table(functions: &[FunctionSummary]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["FID", "UID", "handle", "device", "PFT", "PCHID", "group", "DMA window", "BARs", "state"]);
    for function in functions {
        let query = function.query.as_ref();
        let of_query = |show: &dyn Fn(&QuerySummary) -> String| query.map_or("?".to_owned(), show);
        let bar = |bar: &Bar| format!("{}:{}", bar.index, size(bar.size_log2));
        table.add_row([
            format!("{:#010x}", function.fid),
            of_query(&|query| format!("{:#06x}", query.uid)),
            format!("{:#010x}", function.handle),
            device_name(function),
            of_query(&|query| format!("{:#04x}", query.function_type)),
            of_query(&|query| format!("{:#06x}", query.pchid)),
            of_query(&|query| format!("{:#04x}", query.group)),
            of_query(&|query| format!("{}..={}", shortened(&query.start_dma), shortened(&query.end_dma))),
            of_query(&|query| query.bars.iter().map(bar).collect::<Vec<_>>().join(" ")),
            if function.configured { "configured" } else { "standby" }.to_owned(),
        ]);
    }
    table.trim_fmt()
}

/// `1b36:0010 QEMU NVM Express Controller`: the numbers, and the name of the model if it is known, else that of the class.
fn device_name(function: &FunctionSummary) -> String {
    let device = pci_ids::Device::from_vid_pid(function.vendor, function.device).map(|device| device.name());
    let class = || {
        let [_, base, sub, _] = function.class?.to_be_bytes();
        Some(pci_ids::Subclass::from_cid_sid(base, sub)?.name())
    };
    let name = device.or_else(class).unwrap_or_default();
    format!("{:04x}:{:04x} {name}", function.vendor, function.device).trim_end().to_owned()
}

/// `0x0000000100000000` as `0x100000000`.
fn shortened(hexadecimal: &str) -> String {
    match hexadecimal.strip_prefix("0x").map(|digits| digits.trim_start_matches('0')) {
        Some("") => "0x0".to_owned(),
        Some(digits) => format!("0x{digits}"),
        None => hexadecimal.to_owned(),
    }
}

/// `14` as `16K`.
fn size(log2: u8) -> String {
    let units = ["", "K", "M", "G", "T", "P", "E"];
    match units.get(usize::from(log2 / 10)) {
        Some(unit) => format!("{}{unit}", 1_u32 << (log2 % 10)),
        None => format!("2^{log2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!([12, 14, 20, 33, 0].map(size), ["4K", "16K", "1M", "8G", "1"]);
        assert_eq!(size(63), "8E");
        assert_eq!(size(200), "2^200");
        assert_eq!(shortened("0x0000000100000000"), "0x100000000");
        assert_eq!(shortened("0x0000000000000000"), "0x0");
    }
}
