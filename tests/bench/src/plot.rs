// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The results as pictures: time a page over pages a call.

use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;

use crate::result::{Operation, Run};

/// Size of a picture.
const SIZE: (u32, u32) = (860, 480);
/// Nanoseconds at the bottom and at the top.
const TIMES: std::ops::Range<f64> = 0.01..30.0;
/// Pages at the left and at the right.
const PAGES: std::ops::Range<f64> = 0.9..300_000.0;

/// Who is shown, and how, the last one on top; others are left out, so that lines can be told apart.
const SHOWN: [(&str, RGBColor); 7] = [
    ("ours, 3 levels, 1 MiB", RGBColor(0, 158, 115)),
    ("ours, 5 levels", RGBColor(86, 180, 233)),
    ("ours, 3 levels", RGBColor(0, 114, 178)),
    ("stock, 3 levels", RGBColor(213, 94, 0)),
    ("aarch64-paging", RGBColor(204, 121, 167)),
    ("page_table_multiarch", RGBColor(230, 159, 0)),
    ("x86_64", RGBColor(110, 110, 110)),
];

/// Writes `host-map.svg` and `host-unmap.svg` into `directory`.
pub(crate) fn write(run: &Run, directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for (operation, name) in [(Operation::Map, "host-map.svg"), (Operation::Unmap, "host-unmap.svg")] {
        let path = directory.join(name);
        draw(run, operation, &path).with_context(|| format!("cannot draw {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn draw(run: &Run, operation: Operation, path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, legend) = area.split_horizontally(640);
    let mut chart = ChartBuilder::on(&left)
        .caption(operation.times(), ("sans-serif", 20))
        .margin(10)
        .x_label_area_size(45)
        .y_label_area_size(60)
        .build_cartesian_2d(PAGES.log_scale(), TIMES.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("pages a call")
        .y_desc("ns a page, median")
        .x_label_formatter(&|pages| format!("{pages:.0}"))
        .y_label_formatter(&|time| format!("{time}"))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(210, 210, 210))
        .draw()?;
    for (row, (subject, color)) in SHOWN.into_iter().enumerate() {
        let points: Vec<(f64, f64)> = run
            .results
            .iter()
            .filter(|found| found.subject == subject && found.operation == operation)
            .filter_map(|found| Some((found.pages? as f64, found.nanoseconds.median.max(TIMES.start * 1.05))))
            .collect();
        chart.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
        let height = 60 + 24 * row as i32;
        legend.draw(&PathElement::new([(5, height), (30, height)], color.stroke_width(3)))?;
        legend.draw(&Text::new(subject, (38, height - 7), ("sans-serif", 15)))?;
    }
    area.present()?;
    Ok(())
}
