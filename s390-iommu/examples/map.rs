// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Maps, translates, walks, splits and unmaps: a translation table without any device.

mod heap;

use heap::Heap;
use s390_iommu::{AbsoluteAddress, FrameSizes, Iova, IovaRange, Protection, Root, TranslationTable};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::WITH_LARGE, Heap).ok_or("no storage")?;

    // Each change says what has to be refreshed. No function is registered, so nobody can have seen the old entries.
    let pages = IovaRange::with_size(Iova::new(0x1_8012_3000), 0x3000)?;
    table.map(pages, AbsoluteAddress::new(0x5_0000), Protection::ReadOnly)?.unseen();
    let frame = IovaRange::with_size(Iova::new(0x1_8020_0000), 0x10_0000)?;
    table.map(frame, AbsoluteAddress::new(0x40_0000), Protection::ReadWrite)?.unseen();

    // All or nothing: one page of the range is mapped, so none of it is.
    let over = IovaRange::with_size(Iova::new(0x1_8012_0000), 0x4000)?;
    match table.map(over, AbsoluteAddress::new(0x9_0000), Protection::ReadWrite) {
        Ok(_) => return Err("mapped over a mapping".into()),
        Err(error) => println!("refused: {error}"),
    }

    let found = table.exclusive_reader().translate(Iova::new(0x1_8012_4567)).ok_or("not mapped")?;
    println!("0x180124567 leads to {found}");

    table.split(Iova::new(0x1_8020_0000))?.unseen();
    let unmapped = table.unmap(IovaRange::page(Iova::new(0x1_8020_8000)))?;
    println!("{} page unmapped", unmapped.pages);
    unmapped.change.unseen();

    for mapping in table.exclusive_reader().walk(IovaRange::ALL) {
        println!("{mapping}");
    }
    Ok(())
}
