// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which functions join which domains: whatever the stock driver of Linux accepts, except for what would end in a
//! program check.

mod storage;

use clp::{DesignationTypes, FunctionType};
use s390_iommu::{AttachError, Attachment, FrameSizes, Iova, IovaRange, Limits, OneThread, Root, TranslationTable};
use storage::Heap;

/// DTSM as QEMU has it, as the raw bits of one and several roots, as Linux tests it, and silent.
const DESIGNATION_TYPES: [u8; 9] = [0x40, 0x60, 0x70, 0x50, 0x20, 0x10, 0x4c, 0x78, 0x00];

/// SDMA and EDMA: of QEMU, of a small function, from 0, to the end of all, in the middle of it.
const WINDOWS: [(u64, u64); 6] = [
    (0x1_0000_0000, 0x01ff_ffff_ffff_ffff),
    (0x1_0000_0000, 0x1_3fff_ffff),
    (0, 0xffff_ffff),
    (0, u64::MAX),
    (0x200_0000_0000, 0x2ff_ffff_ffff),
    (1 << 42, (1 << 43) - 1),
];

/// `s390_iommu_aperture=1` and `=4` of a gigabyte, 8 TiB of memory, and `=0`.
const APERTURES: [u64; 4] = [1 << 30, 4 << 30, 8 << 40, u64::MAX];

fn limits(designation_types: u8, (start, last): (u64, u64)) -> Limits {
    Limits {
        window: IovaRange::new(Iova::new(start), Iova::new(last)).unwrap(),
        designation_types: DesignationTypes(designation_types),
        relaxed_translation: false,
        refresh_on_map: true,
        function_type: FunctionType(0),
    }
    .with_some_root()
}

/// `s390_iommu_attach_device` of Linux 7.2 looks at nothing but whether domain and function overlap.
fn stock_accepts(span: IovaRange, function: &Limits) -> bool {
    span.start() <= function.window.last() && function.window.start() <= span.last()
}

/// Every function to the domain of every other, in both orders.
#[test]
fn what_stock_accepts_is_accepted() {
    let (mut accepted, mut would_trap, mut apart, mut beyond) = (0, 0, 0, 0);
    let heap = Heap::default();
    let functions: Vec<Limits> =
        DESIGNATION_TYPES.iter().flat_map(|types| WINDOWS.iter().map(|window| limits(*types, *window))).collect();
    for bytes in APERTURES {
        for first in &functions {
            let Some(plan) = first.plan(bytes) else { continue };
            let table = TranslationTable::new(plan.root, FrameSizes::SMALL, &heap).unwrap();
            // It always takes what was made for it.
            let own = Attachment::to_table(first, bytes, &table, OneThread::new()).unwrap();
            assert_eq!(own.aperture(), plan.aperture);
            for second in &functions {
                let supported = second.designation_types.supports(plan.root.designation_type());
                match Attachment::to_table(second, bytes, &table, OneThread::new()) {
                    Ok(attachment) => {
                        accepted += 1;
                        assert!(supported);
                        assert!(second.window.contains(attachment.aperture()));
                        assert!(table.span().contains(attachment.aperture()));
                    }
                    // MPCIFC would end in a program check, for which Linux has no fixup.
                    Err(AttachError::DesignationType { root, supported: types }) => {
                        would_trap += 1;
                        assert_eq!((root, types), (plan.root, second.designation_types));
                        assert!(!supported);
                    }
                    Err(AttachError::NothingInCommon { .. }) if stock_accepts(table.span(), second) => {
                        // The table reaches a part of the window, but nothing of what is wanted of it: the window is
                        // the first that it reaches, so there is no such case.
                        beyond += 1;
                    }
                    Err(AttachError::NothingInCommon { .. }) => apart += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    assert_eq!(beyond, 0);
    assert_eq!((accepted, would_trap, apart), (6260, 3888, 868));
}

/// Without translation a function has all of its window, whatever is wanted of it for tables.
#[test]
fn identity_has_the_window_of_the_function() {
    for window in WINDOWS {
        let relaxed = Limits { relaxed_translation: true, ..limits(0x40, window) };
        let attachment = Attachment::to_storage(&relaxed, OneThread::new()).unwrap();
        assert_eq!(attachment.aperture(), relaxed.window);
        let strict = limits(0x40, window);
        assert_eq!(Attachment::to_storage(&strict, OneThread::new()).err(), Some(AttachError::Translation));
    }
}

/// A function that no table reaches can be attached without translation alone.
#[test]
fn a_window_beyond_every_root() {
    let high = limits(0x40, (1 << 42, (1 << 43) - 1));
    assert_eq!(high.plan(u64::MAX), None);
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let (window, span) = (high.window, table.span());
    let refused = Attachment::to_table(&high, u64::MAX, &table, OneThread::new()).err();
    assert_eq!(refused, Some(AttachError::NothingInCommon { window, span }));
    assert!(Attachment::to_storage(&Limits { relaxed_translation: true, ..high }, OneThread::new()).is_ok());
}
