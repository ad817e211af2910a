// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Pictures in a page: in the colour of its text, so that they go with every theme.

use std::fmt::Write;

/// A picture, in a page of HTML: no line of it is empty, or it would end there.
#[derive(Debug)]
pub(crate) struct Svg {
    title: &'static str,
    width: u32,
    height: u32,
    body: String,
}

/// Where a text is fixed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    /// At its start.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

impl Svg {
    /// An empty picture; `title` is for who does not see it.
    pub(crate) fn new(title: &'static str, width: u32, height: u32) -> Self {
        Self { title, width, height, body: String::new() }
    }

    fn line(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _ = self.body.write_fmt(arguments);
        self.body.push('\n');
    }

    /// A rectangle.
    pub(crate) fn rectangle(&mut self, (x, y): (u32, u32), (width, height): (u32, u32)) {
        self.line(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"));
    }

    /// A rectangle that stands back.
    pub(crate) fn shade(&mut self, (x, y): (u32, u32), (width, height): (u32, u32)) {
        self.line(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"currentColor\" fill-opacity=\"0.12\"/>"
        ));
    }

    /// A line of text, `y` its base line.
    pub(crate) fn text(&mut self, (x, y): (u32, u32), align: Align, text: &str) {
        self.styled_text((x, y), align, text, "");
    }

    /// The same, smaller and paler.
    pub(crate) fn note(&mut self, (x, y): (u32, u32), align: Align, text: &str) {
        self.styled_text((x, y), align, text, " font-size=\"11\" fill-opacity=\"0.8\"");
    }

    fn styled_text(&mut self, (x, y): (u32, u32), align: Align, text: &str, style: &str) {
        let anchor = match align {
            Align::Start => "start",
            Align::Middle => "middle",
            Align::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.line(format_args!(
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"currentColor\" stroke=\"none\"{style}>{text}</text>"
        ));
    }

    /// A straight line.
    pub(crate) fn stroke(&mut self, (x1, y1): (u32, u32), (x2, y2): (u32, u32)) {
        self.line(format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke-opacity=\"0.5\"/>"));
    }

    /// A straight line with a point at its end.
    pub(crate) fn arrow(&mut self, from: (u32, u32), to: (u32, u32)) {
        self.path(&[from, to]);
    }

    /// Lines from corner to corner, with a point at the end.
    pub(crate) fn path(&mut self, corners: &[(u32, u32)]) {
        let points = corners.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ");
        self.line(format_args!("<polyline points=\"{points}\" marker-end=\"url(#point)\"/>"));
    }

    /// The picture as it stands in a page.
    pub(crate) fn finish(self) -> String {
        let Self { title, width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {width} {height}\" \
             style=\"width: 100%; max-width: {width}px\" font-family=\"sans-serif\" font-size=\"13\" fill=\"none\" \
             stroke=\"currentColor\">\n\
             <defs><marker id=\"point\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" fill=\"currentColor\" stroke=\"none\"/></marker></defs>\n\
             {body}</svg>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_no_empty_line_and_escapes_its_text() {
        let mut svg = Svg::new("a title", 100, 50);
        svg.rectangle((1, 2), (3, 4));
        svg.text((5, 6), Align::Middle, "a < b & c");
        svg.path(&[(0, 0), (0, 9), (9, 9)]);
        let text = svg.finish();
        assert!(text.lines().all(|line| !line.trim().is_empty()), "{text}");
        assert!(text.contains(">a &lt; b &amp; c</text>") && text.contains("points=\"0,0 0,9 9,9\""), "{text}");
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"), "{text}");
    }
}
