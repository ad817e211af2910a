// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How an address is divided among the tables.

use s390_iommu::{Root, TableType, PAGE_SIZE_LOG2};

use crate::svg::{Align, Svg};

const WIDTH: u32 = 130;
const TOP: u32 = 40;

pub(super) fn svg() -> String {
    let kinds = [TableType::RegionFirst, TableType::RegionSecond, TableType::RegionThird, TableType::Segment];
    let mut svg = Svg::new("An address, and the tables that each part of it is an index of", 6 * WIDTH + 20, 300);
    // From the highest bit down, in the numbers of the architecture.
    let mut high = 64;
    let mut columns: Vec<(String, String, u32)> = Vec::new();
    for (kind, index) in kinds.into_iter().zip(["RFX", "RSX", "RTX", "SX"]) {
        let low = kind.entry_span_log2();
        columns.push((index.to_owned(), kind.to_string(), low));
        debug_assert!(low < high, "tables follow each other");
        high = low;
    }
    columns.push(("PX".to_owned(), "page table".to_owned(), PAGE_SIZE_LOG2));
    columns.push(("byte".to_owned(), "frame".to_owned(), 0));
    let mut above = 64;
    for (place, (index, table, low)) in columns.iter().enumerate() {
        let x = 10 + WIDTH * place as u32;
        svg.rectangle((x, TOP), (WIDTH, 34));
        svg.text((x + WIDTH / 2, TOP + 22), Align::Middle, index);
        svg.note((x + 4, TOP - 6), Align::Start, &(64 - above).to_string());
        svg.note((x + WIDTH - 4, TOP - 6), Align::End, &(63 - low).to_string());
        above = *low;
        svg.arrow((x + WIDTH / 2, TOP + 34), (x + WIDTH / 2, 116));
        svg.rectangle((x + 12, 116), (WIDTH - 24, 56));
        svg.text((x + WIDTH / 2, 140), Align::Middle, table.trim_end_matches(" table"));
        let covers = match index.as_str() {
            "byte" => "4 KiB".to_owned(),
            _ => format!("entry: {}", size(*low)),
        };
        svg.note((x + WIDTH / 2, 158), Align::Middle, &covers);
        if place > 0 {
            svg.arrow((x - 12, 144), (x + 12, 144));
        }
    }
    // A segment entry may lead to a frame of its own.
    let segment = 10 + WIDTH * 3 + WIDTH / 2;
    let frame = 10 + WIDTH * 5 + WIDTH / 2;
    svg.path(&[(segment, 172), (segment, 196), (frame, 196), (frame, 172)]);
    svg.note(((segment + frame) / 2, 212), Align::Middle, "with FC: a frame of 1 MiB");
    // The anchor leads to any of the three roots.
    svg.rectangle((10, 244), (3 * WIDTH, 34));
    svg.text((10 + 3 * WIDTH / 2, 266), Align::Middle, "IOTA: origin of the root, T, designation type");
    for root in Root::ALL {
        let place = match root {
            Root::RegionFirst => 0,
            Root::RegionSecond => 1,
            Root::RegionThird => 2,
        };
        let x = 10 + WIDTH * place + WIDTH / 2;
        svg.arrow((x, 244), (x, 172));
        svg.note((x + 6, 232), Align::Start, &format!("DT {}", root.designation_type()));
    }
    svg.finish()
}

fn size(log2: u32) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = UNITS.get((log2 / 10) as usize).copied().unwrap_or("");
    format!("{} {unit}", 1_u64 << (log2 % 10))
}
