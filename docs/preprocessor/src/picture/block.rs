// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A structure, byte by byte.

use clp::field::{Field, Kind, Layout};

use crate::field;
use crate::svg::{Align, Svg};

/// Bytes in a row.
const ROW: usize = 8;

const CELL: u32 = 84;
const HEIGHT: u32 = 30;
const LEFT: u32 = 60;
const TOP: u32 = 24;

/// The structure with the title `title`.
pub(super) fn svg(title: &str) -> Option<String> {
    let layout = field::layout(title)?;
    let rows = layout.size.div_ceil(ROW) as u32;
    let mut svg = Svg::new(layout.title, LEFT + CELL * ROW as u32 + 4, TOP + HEIGHT * rows + 4);
    for byte in 0..ROW as u32 {
        svg.note((LEFT + CELL * byte + CELL / 2, TOP - 8), Align::Middle, &format!("+{byte}"));
    }
    for row in 0..rows {
        let y = TOP + HEIGHT * row + HEIGHT / 2 + 5;
        svg.note((LEFT - 8, y), Align::End, &format!("{:#04x}", row as usize * ROW));
    }
    fields(layout, 0, &mut |field, offset| draw(&mut svg, field, offset));
    Some(svg.finish())
}

/// Calls `each` with every field and its offset; the fields of a structure in it are in its place.
fn fields(layout: &Layout, base: usize, each: &mut impl FnMut(&Field, usize)) {
    for field in layout.fields {
        let offset = base + field.offset;
        match field.kind {
            Kind::Structure(inner) if field.elements == 1 => fields(inner, offset, each),
            _ => each(field, offset),
        }
    }
}

/// The cells of a field, one in each row that it reaches.
fn draw(svg: &mut Svg, field: &Field, offset: usize) {
    let end = offset + field.length;
    let is_reserved = matches!(field.kind, Kind::Reserved);
    let mut from = offset;
    while from < end {
        let to = end.min((from / ROW + 1) * ROW);
        let corner = (LEFT + CELL * (from % ROW) as u32, TOP + HEIGHT * (from / ROW) as u32);
        let size = (CELL * (to - from) as u32, HEIGHT);
        svg.rectangle(corner, size);
        if is_reserved {
            svg.shade(corner, size);
        } else if from == offset {
            let middle = (corner.0 + size.0 / 2, corner.1 + HEIGHT / 2 + 5);
            // As many characters as find room.
            let room = (size.0 / 8) as usize;
            svg.text(middle, Align::Middle, &field.shown_name().chars().take(room).collect::<String>());
        }
        from = to;
    }
}
