// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables as a picture.

use std::fmt::Write;

use super::{short_name, Node};

const WIDTH: usize = 190;
const HEIGHT: usize = 46;
const GAP_X: usize = 60;
const GAP_Y: usize = 10;
const MARGIN: usize = 16;

/// An SVG of the tables: one column for each kind, lines from entries to tables.
pub(crate) fn picture(root: &Node, title: &str) -> String {
    let mut boxes: Vec<(usize, usize, &Node)> = Vec::new();
    let rows = place(root, 0, 0, &mut boxes);
    let columns = boxes.iter().map(|(column, _, _)| column + 1).max().unwrap_or(1);
    let width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X;
    let height = 2 * MARGIN + 24 + rows * (HEIGHT + GAP_Y);
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"monospace\" font-size=\"11\">"
    );
    let _ = writeln!(svg, "<title>{title}</title>");
    let _ = writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    let _ = writeln!(svg, "<text x=\"{MARGIN}\" y=\"{}\" font-size=\"13\">{title}</text>", MARGIN + 8);
    let corner = |column: usize, row: usize| (MARGIN + column * (WIDTH + GAP_X), MARGIN + 24 + row * (HEIGHT + GAP_Y));
    for (column, row, node) in &boxes {
        let (x, y) = corner(*column, *row);
        for child in &node.children {
            let Some((to, at, _)) = boxes.iter().find(|(_, _, other)| std::ptr::eq(*other, child)) else {
                continue;
            };
            let (to_x, to_y) = corner(*to, *at);
            let (from_x, from_y, end_y) = (x + WIDTH, y + HEIGHT / 2, to_y + HEIGHT / 2);
            let middle = from_x + GAP_X / 2;
            let _ = writeln!(
                svg,
                "<path d=\"M{from_x} {from_y} H{middle} V{end_y} H{to_x}\" fill=\"none\" stroke=\"#5a6b7b\"/>"
            );
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"9\">[{:#x}]</text>",
                to_x - 3,
                end_y - 3,
                child.index
            );
        }
        let fill = if node.wrong + node.missing > 0 { "#f7d6d0" } else { "#e3edf7" };
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"#5a6b7b\"/>"
        );
        let lines = [
            format!("{} table {:#x}", short_name(node.table_type), node.origin),
            format!("from IOVA {:#x}", node.first),
            counts(node),
        ];
        for (index, line) in lines.iter().enumerate() {
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{line}</text>", x + 6, y + 14 + 13 * index);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The entries of a table in numbers.
pub(crate) fn counts(node: &Node) -> String {
    let mut text = format!("{} valid", node.valid);
    let frames = if node.frames == 1 { "frame" } else { "frames" };
    for (count, name) in [(node.frames, frames), (node.wrong, "wrong"), (node.missing, "not in the dump")] {
        if count > 0 {
            let _ = write!(text, ", {count} {name}");
        }
    }
    text
}

/// Gives each table a place: its column is its depth, its row that of its first child. Returns the rows it takes.
fn place<'n>(node: &'n Node, column: usize, row: usize, boxes: &mut Vec<(usize, usize, &'n Node)>) -> usize {
    boxes.push((column, row, node));
    let mut taken = 0;
    for child in &node.children {
        taken += place(child, column + 1, row + taken, boxes);
    }
    taken.max(1)
}
