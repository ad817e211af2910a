// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A program, a block, a machine.

use crate::svg::{Align, Svg};

pub(super) fn svg() -> String {
    let mut svg = Svg::new("CLP: a request and its response in one block", 760, 330);
    svg.text((90, 24), Align::Middle, "program");
    svg.text((380, 24), Align::Middle, "block, one page of storage");
    svg.text((670, 24), Align::Middle, "machine");
    svg.stroke((90, 34), (90, 320));
    svg.stroke((670, 34), (670, 320));

    let (left, width) = (230, 300);
    let rows: [(u32, u32, &str, &str); 6] = [
        (40, 34, "length, command, format", "0x00"),
        (74, 40, "what is asked: a handle, a token, a group", "0x10"),
        (114, 34, "before: room; after: length, code", "0x20"),
        (148, 40, "fixed part of the answer", "0x30"),
        (188, 40, "optional parts; the entries of a list", ""),
        (228, 30, "untouched", "0x1000"),
    ];
    for (y, height, text, offset) in rows {
        svg.rectangle((left, y), (width, height));
        svg.text((left + width / 2, y + height / 2 + 5), Align::Middle, text);
        let at = if offset == "0x1000" { y + height } else { y + 12 };
        svg.note((left + width + 6, at), Align::Start, offset);
    }
    svg.shade((left, 40), (width, 74));
    svg.note((left - 8, 82), Align::End, "request");
    svg.note((left - 8, 192), Align::End, "response");

    svg.arrow((90, 60), (left, 60));
    svg.note((98, 54), Align::Start, "1 fills in");
    svg.path(&[(90, 284), (670, 284)]);
    svg.text((380, 278), Align::Middle, "2 CLP, opcode 0xb9a0, R2 = address of the block");
    svg.arrow((670, 142), (left + width, 142));
    svg.note((664, 136), Align::End, "3 answers");
    svg.path(&[(670, 308), (90, 308)]);
    svg.text((380, 302), Align::Middle, "4 condition code: 0 executed, 3 not");
    svg.finish()
}
