// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the bits of interrupts are.

use std::sync::atomic::{AtomicU8, Ordering};

use s390_iommu::{
    AbsoluteAddress, BitLocation, Fib, InterruptBits, InterruptParameters, InterruptVector, InterruptVectorError,
};
use zerocopy::{transmute, IntoBytes};

use crate::fixture::block;

const fn at(address: u64) -> AbsoluteAddress {
    AbsoluteAddress::new(address)
}

/// The parameters that were measured, both ways.
#[test]
fn recorded() {
    let fib: Fib = transmute!(block(include_str!("../../../tests/fixtures/f-interrupts.hex")));
    let vector = InterruptVector::new(&fib.interrupts).unwrap();
    assert_eq!((vector.subclass(), vector.count()), (3, 4));
    assert_eq!(vector.bit(0), Some(BitLocation { byte: at(0x1_e000), mask: 0x80 }));
    assert_eq!(vector.bit(3), Some(BitLocation { byte: at(0x1_e000), mask: 0x10 }));
    assert_eq!(vector.bit(4), None);
    assert_eq!(vector.bit(u16::MAX), None);
    assert_eq!(vector.summary(), Some(BitLocation { byte: at(0x1_e040), mask: 0x04 }));
    let made = InterruptVector::parameters(3, 4, (at(0x1_e000), 0), (at(0x1_e040), 5)).unwrap();
    assert_eq!(made.as_bytes(), fib.interrupts.as_bytes());
}

/// Every start of a vector near the end of a page, against a count of its bits one by one.
#[test]
fn bounds() {
    for offset in 0..64_u8 {
        for count in [0_u16, 1, 7, 8, 9, 64, 65, 4095] {
            for address in (0x1_0000..0x1_1000_u64).step_by(8) {
                let bits = (0..u64::from(count)).map(|n| u64::from(offset) + n);
                let fits = bits.map(|bit| address + bit / 8).all(|byte| byte < 0x1_1000);
                let made = InterruptVector::parameters(0, count, (at(address), offset), (at(0), 0));
                assert_eq!(made.is_ok(), fits, "{address:#x} {offset} {count}");
                let word = u32::from(count) << 16 | u32::from(offset) << 8;
                let parameters =
                    InterruptParameters { word: word.into(), vector: address.into(), ..Fib::ZERO.interrupts };
                let vector = InterruptVector::across_pages(&parameters);
                assert_eq!(InterruptVector::new(&parameters).ok(), fits.then_some(vector));
                let (message, bit) = (count.saturating_sub(1), u64::from(offset) + u64::from(count.saturating_sub(1)));
                let last = BitLocation { byte: at(address + bit / 8), mask: 0x80 >> (bit % 8) };
                assert_eq!(vector.bit(message), (count > 0).then_some(last));
                assert_eq!(vector.bit(count), None);
                if let (Ok(parameters), true) = (made, count > 0) {
                    let vector = InterruptVector::new(&parameters).unwrap();
                    let last = u64::from(offset) + u64::from(count) - 1;
                    let expected = BitLocation { byte: at(address + last / 8), mask: 1 << (7 - last % 8) };
                    assert_eq!(vector.bit(count - 1), Some(expected));
                }
            }
        }
    }
    for (address, offset, fits) in [(0x1ff8_u64, 63, true), (0x1ff9, 55, true), (0x1ff9, 56, false), (0x1fff, 7, true)]
    {
        let made = InterruptVector::parameters(0, 1, (at(0x1000), 0), (at(address), offset));
        assert_eq!(made.err(), (!fits).then_some(InterruptVectorError::CrossesPage(at(address))));
    }
    for (subclass, count, vector, summary) in [(8, 1, 0, 0), (0, 4096, 0, 0), (0, 1, 64, 0), (0, 1, 0, 64)] {
        let made = InterruptVector::parameters(subclass, count, (at(0), vector), (at(0), summary));
        assert_eq!(made, Err(InterruptVectorError::Field));
    }
}

#[test]
fn without_a_summary_bit() {
    let parameters = InterruptParameters { word: 0x3004_0005.into(), ..Fib::ZERO.interrupts };
    assert_eq!(InterruptVector::new(&parameters).unwrap().summary(), None);
}

#[test]
fn bits() {
    let bytes: [AtomicU8; 3] = Default::default();
    let bits = InterruptBits(&bytes);
    assert_eq!(
        (bits.set(0), bits.set(0), bits.set(9), bits.set(23), bits.set(24)),
        (Some(false), Some(true), Some(false), Some(false), None)
    );
    let stored: Vec<u8> = bytes.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
    assert_eq!(stored, [0x80, 0x40, 0x01]);
    assert_eq!((bits.take(9), bits.take(9), bits.take(24)), (Some(true), Some(false), None));
    bits.set(3);
    assert_eq!(bits.take_all().collect::<Vec<_>>(), [0, 3, 23]);
    assert_eq!(bits.take_all().count(), 0);
}
