// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine notices what a real one would let pass.

use clp::{Block, Client, FunctionHandle};
use s390_iommu::{
    issue, AbsoluteAddress, Attachment, FrameSizes, Iova, IovaRange, Limits, OneThread, PhysToVirt, Protection, Root,
    TableAllocator, TableSize, TranslationTable,
};
use zpci_tests::fake::{Configuration, DmaError, Fake, FunctionConfiguration, State};
use zpci_tests::Machine;

fn fake() -> Fake {
    Fake::new(Configuration::hardware(false))
}

/// Complaints, joined.
fn complaints(fake: &Fake) -> String {
    fake.complaints().join("; ")
}

/// A registered table on `fake`, and the handle of its function.
fn registered(fake: &Fake) -> (TranslationTable<Fake>, FunctionHandle) {
    let mut block = Block::zeroed();
    let mut client = Client::new(fake, &mut block);
    let handle = client.ensure_enabled(fake.function().unwrap()).unwrap();
    let function = client.query_function(handle).unwrap();
    let group = client.query_function_group(function.group).unwrap();
    let limits = Limits::new(&function, &group).unwrap();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, fake.clone()).unwrap();
    let attachment = Attachment::to_table(&limits, u64::MAX, &table, OneThread::new()).unwrap();
    // SAFETY: what the device reaches is storage of the fake machine, which notices all that goes wrong.
    unsafe { attachment.attach(fake, handle) }.unwrap();
    (table, handle)
}

fn page(iova: u64) -> IovaRange {
    IovaRange::page(Iova::new(iova))
}

/// Absolute addresses are high, scattered, aligned, never used twice, and no pointers.
#[test]
fn addresses_are_no_pointers() {
    let fake = fake();
    let mut seen = Vec::new();
    for round in 0..200 {
        let size = if round % 3 == 0 { TableSize::Crst } else { TableSize::Page };
        let origin = fake.allocate(size).unwrap();
        assert_eq!(origin.get() % size.bytes() as u64, 0);
        assert!(origin.get() > 1 << 40 && origin.get() < 1 << 62);
        let pointer = fake.phys_to_virt(origin);
        assert_ne!(pointer.as_ptr() as u64, origin.get());
        assert_eq!(pointer.as_ptr() as usize % size.bytes(), 0);
        assert!(!seen.contains(&origin));
        seen.push(origin);
        if round % 2 == 0 {
            // SAFETY: just allocated with this size; nobody uses it.
            unsafe { fake.deallocate(origin, size) };
        }
    }
    assert!(seen.windows(2).any(|pair| pair[1] < pair[0]), "addresses only go up");
    assert_eq!(complaints(&fake), "");
}

#[test]
fn fresh_storage_is_not_clean() {
    let fake = fake();
    let patterns = [0, 1].map(|_| {
        let table = fake.allocate(TableSize::Page).unwrap();
        let words = (0..256).map(|word| fake.entry(AbsoluteAddress::new(table.get() + word * 8)).unwrap());
        let words: Vec<u64> = words.collect();
        assert!(words.iter().all(|word| *word == words[0]));
        words[0]
    });
    assert_eq!(patterns, [0xa5a5_a5a5_a5a5_a5a5, 0x5a5a_5a5a_5a5a_5a5a]);
    // One looks invalid in a page table, the other one valid.
    assert_eq!(patterns.map(|word| word & 0x400), [0x400, 0]);
}

#[test]
fn freed_tables() {
    let fake = fake();
    let table = fake.allocate(TableSize::Page).unwrap();
    // SAFETY: just allocated with this size; nobody uses it. The second time the fake machine only takes note of.
    unsafe { fake.deallocate(table, TableSize::Page) };
    assert_eq!(complaints(&fake), "");
    assert_eq!(fake.entry(table), None);
    // SAFETY: as before.
    unsafe { fake.deallocate(table, TableSize::Page) };
    assert_eq!(complaints(&fake), format!("the table at {table} was freed twice"));

    let words = fake.phys_to_virt(table).cast::<u64>();
    assert_eq!(complaints(&fake), format!("a program used a table: the table at absolute address {table} was freed"));
    // SAFETY: the fake machine keeps the storage of freed tables, and nobody else writes to it.
    unsafe { words.add(7).write(0) };
    assert_eq!(complaints(&fake), format!("somebody wrote to the freed table at {table}"));
}

#[test]
fn wrong_ends_of_tables() {
    let fake = fake();
    let table = fake.allocate(TableSize::Page).unwrap();
    let words = fake.phys_to_virt(table).cast::<u64>();
    // SAFETY: the fake machine keeps more storage behind each page table, to see who writes there.
    unsafe { words.add(256).write(0x400) };
    // SAFETY: allocated with this size; nobody uses it.
    unsafe { fake.deallocate(table, TableSize::Page) };
    assert_eq!(complaints(&fake), format!("somebody wrote behind the end of the table at {table}"));

    let table = fake.allocate(TableSize::Crst).unwrap();
    // SAFETY: the fake machine only takes note of the wrong size.
    unsafe { fake.deallocate(table, TableSize::Page) };
    assert_eq!(complaints(&fake), format!("the table at {table} was allocated as Crst and freed as Page"));
    assert_eq!(fake.entry(AbsoluteAddress::new(table.get() + 4)), None);
    assert_eq!(fake.entry(AbsoluteAddress::new(table.get() + 16384)), None);
    // SAFETY: the fake machine only takes note.
    unsafe { fake.deallocate(AbsoluteAddress::new(0x1234_5000), TableSize::Page) };
    assert_eq!(complaints(&fake), "0x12345000 was freed as a table and never was one");
}

/// A table that a function uses is not to be freed, and the device's walk into it is noted.
#[test]
fn table_freed_under_a_function() {
    let fake = fake();
    let (table, handle) = registered(&fake);
    let data = fake.add_data(0x1000, 0x1000);
    table.map(page(0x1_0000_0000), AbsoluteAddress::new(data), Protection::ReadWrite).unwrap().unseen();
    assert_eq!(fake.dma_write(handle.0, 0x1_0000_0000, b"once"), Ok(()));
    assert_eq!(complaints(&fake), "");
    drop(table);
    let noted = complaints(&fake);
    assert_eq!(noted.matches("was freed while 0x100 may still walk it").count(), 2, "{noted}");
    assert_eq!(noted.matches("was freed while it is registered for 0x100").count(), 1, "{noted}");
    assert!(fake.dma_write(handle.0, 0x1_0000_0000, b"again").is_err());
    assert!(complaints(&fake).contains("table walk of a function: the table at"));
}

/// Data that is gone is not reached by a device that was not told.
#[test]
fn data_freed_under_a_device() {
    let fake = fake();
    let (table, handle) = registered(&fake);
    let data = fake.add_data(0x1000, 0x1000);
    table.map(page(0x1_0000_0000), AbsoluteAddress::new(data), Protection::ReadWrite).unwrap().unseen();
    fake.remove_data(data);
    assert_eq!(fake.dma_write(handle.0, 0x1_0000_0000, b"lost"), Ok(()));
    assert_eq!(complaints(&fake), format!("a device wrote 0x100000000: nothing is at absolute address {data:#x}"));
    // A table is no data either.
    issue(table.unmap(page(0x1_0000_0000)).unwrap().change, &fake, [handle]).unwrap();
    let origin = table.origin();
    table.map(page(0x1_0000_0000), origin, Protection::ReadWrite).unwrap().unseen();
    let mut bytes = [0; 4];
    assert_eq!(fake.dma_read(handle.0, 0x1_0000_0000, &mut bytes), Ok(()));
    assert_eq!(complaints(&fake), format!("a device read 0x100000000: a table is at absolute address {origin}"));
    Client::new(&fake, &mut Block::zeroed()).disable(handle).unwrap();
}

/// Each kind of change is noticed when no refresh follows.
#[test]
fn stale_translations() {
    let fake = fake();
    let (table, handle) = registered(&fake);
    let data = fake.add_data(0x2000, 0x1000);
    let iova = 0x1_0000_0000;
    let map = |offset, protection| {
        table.map(page(iova), AbsoluteAddress::new(data + offset), protection).unwrap().unseen();
    };
    let stale = |expected: String| match fake.dma_write(handle.0, iova, b"x") {
        Err(DmaError::Stale(reason)) => assert!(reason.ends_with(&expected), "{reason}"),
        other => panic!("{other:?}"),
    };
    map(0, Protection::ReadWrite);
    assert_eq!(fake.dma_write(handle.0, iova, b"x"), Ok(()));
    table.unmap(page(iova)).unwrap().change.unseen();
    stale(format!("still translates 0x100000000 to {data:#x}, the tables to nothing"));
    map(0x1000, Protection::ReadWrite);
    stale(format!("to {data:#x}, the tables to {:#x}", data + 0x1000));
    table.unmap(page(iova)).unwrap().change.unseen();
    map(0, Protection::ReadOnly);
    stale(format!("to {data:#x}, the tables to {data:#x} (read only)"));
    assert_eq!(fake.state(fake.function().unwrap()).unwrap().0, State::Enabled);
    Client::new(&fake, &mut Block::zeroed()).disable(handle).unwrap();
}

/// An ISM device looks at its tables on its own; nothing outside its window may be mapped there.
#[test]
fn entries_outside_the_window() {
    let function = FunctionConfiguration { pft: 5, edma: 0x1_ffff_ffff, ..FunctionConfiguration::nvme() };
    let fake = Fake::new(Configuration { functions: vec![function], ..Configuration::qemu() });
    let (table, handle) = registered(&fake);
    for iova in [0x1_0000_0000, 0x1_ffff_f000] {
        table.map(page(iova), AbsoluteAddress::new(0x5000), Protection::ReadWrite).unwrap().unseen();
    }
    assert_eq!(fake.mapped_outside_window(handle.0), Ok(Vec::new()));
    for iova in [0xffff_f000, 0x2_0000_0000] {
        table.map(page(iova), AbsoluteAddress::new(0x5000), Protection::ReadWrite).unwrap().unseen();
    }
    let outside = fake.mapped_outside_window(handle.0).unwrap();
    assert_eq!(outside.iter().map(|mapped| mapped.iova).collect::<Vec<_>>(), [0xffff_f000, 0x2_0000_0000]);
    Client::new(&fake, &mut Block::zeroed()).disable(handle).unwrap();
}

#[test]
fn refresh_past_the_end() {
    let fake = fake();
    let (_table, handle) = registered(&fake);
    fake.refresh(handle.0, 0x3ff_ffff_f000, u64::MAX);
    assert_eq!(complaints(&fake), "RPCIT of 0xffffffffffffffff bytes from 0x3fffffff000 passes 2^64");
    Client::new(&fake, &mut Block::zeroed()).disable(handle).unwrap();
}

/// A frame of 1 MiB is one entry: a refresh of a page of it is not enough when it was split.
#[test]
fn a_frame_is_remembered_whole() {
    let fake = Fake::new(Configuration::hardware(false));
    let mut block = Block::zeroed();
    let mut client = Client::new(&fake, &mut block);
    let handle = client.ensure_enabled(fake.function().unwrap()).unwrap();
    let function = client.query_function(handle).unwrap();
    let group = client.query_function_group(function.group).unwrap();
    let limits = Limits::new(&function, &group).unwrap();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::WITH_LARGE, fake.clone()).unwrap();
    let attachment = Attachment::to_table(&limits, u64::MAX, &table, OneThread::new()).unwrap();
    // SAFETY: what the device reaches is storage of the fake machine, which notices all that goes wrong.
    unsafe { attachment.attach(&fake, handle) }.unwrap();
    let data = fake.add_data(0x10_0000, 0x10_0000);
    let frame = IovaRange::with_size(Iova::new(0x1_0000_0000), 0x10_0000).unwrap();
    table.map(frame, AbsoluteAddress::new(data), Protection::ReadWrite).unwrap().unseen();
    assert_eq!(fake.dma_write(handle.0, 0x1_0000_5000, b"x"), Ok(()));

    // The change of the split is lost, and only the page that goes is refreshed.
    table.split(frame.start()).unwrap().unseen();
    issue(table.unmap(page(0x1_0000_7000)).unwrap().change, &fake, [handle]).unwrap();
    match fake.dma_write(handle.0, 0x1_0000_7000, b"x") {
        Err(DmaError::Stale(reason)) => assert!(reason.ends_with("the tables to nothing"), "{reason}"),
        other => panic!("{other:?}"),
    }
    Client::new(&fake, &mut Block::zeroed()).disable(handle).unwrap();
}
