// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A model of RPCIT that is too simple to be wrong: it walks from the root for every page, by numbers alone.
//!
//! It shares no code and no constant with the crate, nor with the walker of the fake machine.

use std::collections::{BTreeMap, HashMap};

/// What a page leads to: absolute address, whether it is read only, and how many bytes the entry maps; or how many bytes lead
/// nowhere; or the code of an error event.
pub(crate) type Found = Result<Result<(u64, bool, u64), u64>, u16>;

/// Walks `levels` region tables (3 with a region-first root) from `origin`.
pub(crate) fn walk(words: &HashMap<u64, u64>, origin: u64, levels: u32, qemu: bool, iova: u64) -> Found {
    let reach = 31 + 11 * levels;
    if !qemu && reach < 64 && iova >> reach != 0 {
        return Ok(Err(1 << reach));
    }
    let fetch = |table: u64, index: u64| match words.get(&(table + index * 8)) {
        None => Err(if qemu { 7 } else { 11_u16 }),
        Some(0) if qemu => Err(7),
        Some(word) => Ok(*word),
    };
    let (mut table, mut read_only) = (origin, false);
    for level in (1..=levels).rev() {
        let shift = 20 + 11 * level;
        let entry = fetch(table, iova >> shift & 2047)?;
        if entry & 32 != 0 {
            return Ok(Err(1 << shift));
        }
        if entry & 3 != 3 || entry & 0xc0 != 0 {
            return Err(8);
        }
        if entry >> 2 & 3 != u64::from(level) {
            return Err(9);
        }
        table = entry / 16384 * 16384;
        if table == 0 && qemu {
            return Err(9);
        }
        read_only |= entry & 512 != 0;
    }
    let entry = fetch(table, iova >> 20 & 2047)?;
    if entry & 32 != 0 {
        return Ok(Err(1 << 20));
    }
    if entry & 12 != 0 || (qemu && entry / 2048 == 0) {
        return Err(9);
    }
    read_only |= entry & 512 != 0;
    if entry & 1024 != 0 {
        return Ok(Ok((entry / 1048576 * 1048576 + iova % 1048576 / 4096 * 4096, read_only, 1 << 20)));
    }
    let entry = fetch(entry / 2048 * 2048, iova >> 12 & 255)?;
    if entry & 1024 != 0 {
        return Ok(Err(4096));
    }
    if qemu && entry / 4096 == 0 {
        return Err(9);
    }
    Ok(Ok((entry / 4096 * 4096, read_only || entry & 512 != 0, 4096)))
}

/// What is mapped after a refresh of the pages from `first` to `last`, and the first wrong page with its code.
pub(crate) fn refresh(
    mapped: &mut BTreeMap<u64, (u64, bool)>,
    (first, last): (u64, u64),
    look: impl Fn(u64) -> Found,
) -> Option<(u64, u16)> {
    let mut page = first;
    loop {
        let (leaf, bytes) = match look(page) {
            Err(code) => return Some((page, code)),
            Ok(Ok((absolute, read_only, bytes))) => (Some((absolute, read_only)), bytes),
            Ok(Err(bytes)) => (None, bytes),
        };
        let end = page.saturating_add(bytes - page % bytes - 1).min(last);
        let stale: Vec<u64> = mapped.range(page..=end).map(|(page, _)| *page).collect();
        for page in stale {
            mapped.remove(&page);
        }
        if let Some((absolute, read_only)) = leaf {
            for offset in (0..=end - page).step_by(4096) {
                mapped.insert(page + offset, (absolute + offset, read_only));
            }
        }
        if end >= last {
            return None;
        }
        page = end + 1;
    }
}

/// The same of the bytes from `start` to before `end`, as QEMU goes over them: an entry is taken for as many bytes as it
/// covers from the byte on that it was looked up for, and for every page that these bytes are in. Nothing is kept outside of
/// `aperture`; the byte that an error was met at comes with the code.
pub(crate) fn refresh_by_steps(
    mapped: &mut BTreeMap<u64, (u64, bool)>,
    (start, end): (u64, u64),
    aperture: (u64, u64),
    look: impl Fn(u64) -> Found,
) -> Option<(u64, u16)> {
    let mut at = start;
    while at < end {
        let page = at - at % 4096;
        let (leaf, bytes) = match look(page) {
            Err(code) => return Some((at, code)),
            Ok(Ok((absolute, read_only, bytes))) => (Some((absolute, read_only)), bytes),
            Ok(Err(bytes)) => (None, bytes),
        };
        at = at.saturating_add(bytes);
        let behind = at.min(end);
        let is_kept = |page: u64| page >= aperture.0 && page <= aperture.1;
        mapped.retain(|known, _| *known < page || *known >= behind || !is_kept(*known));
        if let Some((absolute, read_only)) = leaf {
            for next in (page..behind).step_by(4096).filter(|page| is_kept(*page)) {
                mapped.insert(next, (absolute + (next - page), read_only));
            }
        }
    }
    None
}
