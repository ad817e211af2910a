// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The pictures of the book.

mod block;
mod clp;
mod owners;
mod tables;
mod time;

/// The picture called `name`, for a page.
pub(crate) fn svg(name: &str) -> Option<String> {
    Some(match name {
        "clp" => clp::svg(),
        "tables" => tables::svg(),
        "attach" => time::attach(),
        "refresh" => time::refresh(),
        "owners" => owners::svg(),
        name => return block::svg(name.strip_prefix("block ")?),
    })
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn every_picture_is_one() {
        for name in ["clp", "tables", "attach", "refresh", "owners", "block FIB", "block LIST PCI entry"] {
            let text = svg(name).unwrap_or_else(|| panic!("no {name}"));
            assert!(text.starts_with("<svg ") && !text.contains("\n\n"), "{name}: {text}");
        }
        assert_eq!(svg("no such"), None);
        assert_eq!(svg("block no such"), None);
    }
}
