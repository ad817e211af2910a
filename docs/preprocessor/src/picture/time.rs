// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What happens after what, between a program, its tables, a machine and a device.

use crate::svg::{Align, Svg};

/// One step: from which line to which, and what.
type Step = (usize, usize, &'static str);

const LINES: [&str; 4] = ["program", "tables", "machine", "device"];
const BETWEEN: u32 = 220;
const LEFT: u32 = 60;
const STEP: u32 = 34;

/// A function gets a translation, uses it, and loses it.
pub(super) fn attach() -> String {
    sequence(
        "Attach, use and detach in time",
        &[
            (0, 2, "QUERY: window, roots, rules"),
            (0, 1, "a root for it, filled with invalid entries"),
            (0, 2, "MPCIFC register: aperture, IOTA"),
            (0, 1, "map: entries become valid"),
            (0, 2, "RPCIT, if the group wants it"),
            (3, 2, "DMA to an IOVA"),
            (2, 1, "walks, and keeps what it read"),
            (0, 2, "MPCIFC deregister"),
            (0, 1, "the tables are the program's again"),
        ],
    )
}

/// An entry changes under a device.
pub(super) fn refresh() -> String {
    sequence(
        "Unmap and refresh in time",
        &[
            (3, 2, "DMA to an IOVA"),
            (2, 1, "walks, and keeps the entry"),
            (0, 1, "unmap: the entry becomes invalid"),
            (3, 2, "DMA to the same IOVA"),
            (2, 3, "done, by the entry that was kept"),
            (0, 2, "RPCIT of the range"),
            (2, 0, "done: what was kept is forgotten"),
            (0, 0, "the frame is free now"),
            (3, 2, "DMA to the same IOVA"),
            (2, 0, "refused: error event, error state"),
        ],
    )
}

fn sequence(title: &'static str, steps: &[Step]) -> String {
    let bottom = 50 + STEP * steps.len() as u32;
    let mut svg = Svg::new(title, LEFT * 2 + BETWEEN * 3, bottom + 16);
    let x = |line: usize| LEFT + BETWEEN * line as u32;
    for (line, name) in LINES.into_iter().enumerate() {
        svg.text((x(line), 20), Align::Middle, name);
        svg.stroke((x(line), 28), (x(line), bottom + 8));
    }
    for (number, &(from, to, what)) in steps.iter().enumerate() {
        let y = 62 + STEP * number as u32;
        let text = format!("{} {what}", number + 1);
        if from == to {
            svg.text((x(from) + 8, y), Align::Start, &text);
            continue;
        }
        svg.arrow((x(from), y), (x(to), y));
        // Between the line it starts at and the next one, so that none goes through it.
        let next = if from < to { from + 1 } else { from - 1 };
        svg.note(((x(from) + x(next)) / 2, y - 6), Align::Middle, &text);
    }
    svg.finish()
}
