// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How an address is split, and every entry bit by bit, against tables of numbers.

use crate::fixture::{number, rows};
use s390_iommu::{
    page_index, AbsoluteAddress, Iota, Iova, PageEntry, Protection, RegionEntry, Root, SegmentEntry, TableType,
};

#[test]
fn indices() {
    for row in rows::<6>(include_str!("../../fixtures/h-indices.txt")) {
        let [iova, first, second, third, segment, page] = row.map(number);
        let iova = Iova::new(iova);
        let expected = [
            (TableType::RegionFirst, first),
            (TableType::RegionSecond, second),
            (TableType::RegionThird, third),
            (TableType::Segment, segment),
        ];
        for (table, index) in expected {
            assert_eq!(table.index(iova) as u64, index, "{table:?} index of {iova}");
        }
        assert_eq!(page_index(iova) as u64, page, "page index of {iova}");
    }
}

#[test]
fn entries() {
    for [what, address, entry] in rows::<3>(include_str!("../../fixtures/h-entries.txt")) {
        let (address, entry) = (AbsoluteAddress::new(number(address)), number(entry));
        let region = |table_type| RegionEntry::designating(table_type, address).into_bits();
        let made = match what {
            "region-third entry" => region(TableType::RegionThird),
            "region-second entry" => region(TableType::RegionSecond),
            "region-first entry" => region(TableType::RegionFirst),
            "segment entry" => SegmentEntry::designating(address).into_bits(),
            "page entry" => PageEntry::mapping(address, Protection::ReadWrite).into_bits(),
            "page entry, read only" => PageEntry::mapping(address, Protection::ReadOnly).into_bits(),
            "IOTA, region-third" => Iota::designating(Root::RegionThird, address).into_bits(),
            "IOTA, region-second" => Iota::designating(Root::RegionSecond, address).into_bits(),
            "IOTA, region-first" => Iota::designating(Root::RegionFirst, address).into_bits(),
            other => panic!("{other}"),
        };
        assert_eq!(made, entry, "{what}");
        let read = match what.split([' ', ',']).next().unwrap() {
            "segment" => SegmentEntry::from_bits(entry).origin(),
            "page" => PageEntry::from_bits(entry).frame(),
            "IOTA" => Iota::from_bits(entry).origin(),
            _ => RegionEntry::from_bits(entry).origin(),
        };
        assert_eq!(read, address, "{what}");
    }
}
