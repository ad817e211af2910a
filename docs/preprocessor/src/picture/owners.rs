// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Who says what, from the machine to a guest.

use crate::svg::{Align, Svg};

/// Who owns a value, and which values those are.
const OWNERS: [(&str, &[&str]); 3] = [
    (
        "the machine",
        &["FID, UID, PCHID, VFN", "type, path, utility string", "window (SDMA, EDMA)", "group: MSI, refresh, roots"],
    ),
    ("the IOMMU driver", &["root and aperture", "frame sizes", "usable ranges, gaps", "interrupt windows"]),
    ("the VMM", &["FID, UID of the guest", "handles of the guest", "group of the guest", "roots that it walks"]),
];

const WIDTH: u32 = 220;
const GAP: u32 = 60;

pub(super) fn svg() -> String {
    let mut svg = Svg::new("Who owns which field", 3 * WIDTH + 2 * GAP + 20, 210);
    for (place, (owner, values)) in OWNERS.into_iter().enumerate() {
        let x = 10 + (WIDTH + GAP) * place as u32;
        svg.text((x + WIDTH / 2, 24), Align::Middle, owner);
        svg.rectangle((x, 36), (WIDTH, 26 * values.len() as u32 + 14));
        for (row, value) in values.iter().enumerate() {
            svg.text((x + WIDTH / 2, 62 + 26 * row as u32), Align::Middle, value);
        }
        if place > 0 {
            svg.arrow((x - GAP, 92), (x, 92));
        }
    }
    let label = |place: u32| 10 + (WIDTH + GAP) * place + WIDTH + GAP / 2;
    svg.note((label(0), 84), Align::Middle, "CLP");
    svg.note((label(1), 84), Align::Middle, "VFIO");
    svg.note((10 + (WIDTH + GAP) * 2 + WIDTH / 2, 178), Align::Middle, "answered to the guest by CLP");
    svg.arrow((10 + (WIDTH + GAP) * 2 + WIDTH / 2, 154), (10 + (WIDTH + GAP) * 2 + WIDTH / 2, 166));
    svg.finish()
}
