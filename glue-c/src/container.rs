// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space learns of domains that it maps together, and of the IOMMU of one function.

use core::ffi::c_void;

use ::clp::DesignationTypes;
use s390_iommu::vfio::HardwareInformation;
use s390_iommu::{Container, Domain, DomainFunction, FormatError, FrameSizes, Iova, IovaRange, TableFormat};
use static_assertions::const_assert_eq;

use crate::capability::KernelChain;
use crate::errno;
use crate::function::ForeignFunction;
use crate::table::ForeignRoot;

/// C: `struct zpci_rust_member`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignMember {
    /// The function.
    pub function: ForeignFunction,
    /// The table that it is registered with.
    pub root: ForeignRoot,
    /// First address that is registered for it.
    pub start: u64,
    /// Last address that is registered for it, inclusive.
    pub last: u64,
}

const_assert_eq!(size_of::<ForeignMember>(), 304);

impl ForeignMember {
    /// `None` if no whole page is registered.
    fn domain_function(&self) -> Option<DomainFunction> {
        let aperture = IovaRange::new(Iova::new(self.start), Iova::new(self.last)).ok()?;
        Some(DomainFunction { function: self.function.function(), group: self.function.group(), aperture })
    }

    fn format(&self) -> TableFormat {
        TableFormat {
            designation_types: DesignationTypes(0x80 >> self.root.root.designation_type()),
            frame_sizes: self.root.frames(),
            // A function that is in a container has a table.
            relaxed_translation: false,
        }
    }
}

/// C: `struct zpci_rust_refusal`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignRefusal {
    /// What the container has.
    pub wanted: u64,
    /// What was found instead.
    pub found: u64,
    /// Identifier of the function (FID).
    pub id: u32,
    /// What the two numbers are; see the constants.
    pub reason: u32,
}

const_assert_eq!(size_of::<ForeignRefusal>(), 24);

impl ForeignRefusal {
    /// Designation types, as the machine stores them.
    pub const DESIGNATION_TYPES: u32 = 1;
    /// Frame sizes: bit n, counted from the least significant, for frames of 2^n bytes.
    pub const FRAME_SIZES: u32 = 2;
    /// Whether a function may be registered without a table: 0 or 1.
    pub const RELAXED_TRANSLATION: u32 = 3;

    fn new(id: u32, error: FormatError) -> Self {
        let (reason, wanted, found) = match error {
            FormatError::DesignationTypes { wanted, found } => {
                (Self::DESIGNATION_TYPES, wanted.0.into(), found.0.into())
            }
            FormatError::FrameSizes { wanted, found } => (Self::FRAME_SIZES, wanted.bitmap(), found.bitmap()),
            FormatError::RelaxedTranslation { wanted } => (Self::RELAXED_TRANSLATION, wanted.into(), (!wanted).into()),
            _ => (0, 0, 0),
        };
        Self { wanted, found, id, reason }
    }
}

/// The domains of members, of which those that share a table are one behind the other.
#[derive(Clone, Debug)]
struct Domains<'m> {
    rest: &'m [ForeignMember],
}

impl<'m> Iterator for Domains<'m> {
    type Item = Domain<'static, Functions<'m>>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.rest.first()?;
        let count = self.rest.iter().take_while(|member| member.root.origin == first.root.origin).count();
        let (members, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(Domain { format: first.format(), reserved: &[], functions: Functions { rest: members } })
    }
}

/// The functions of members.
#[derive(Clone, Debug)]
struct Functions<'m> {
    rest: &'m [ForeignMember],
}

impl Iterator for Functions<'_> {
    type Item = DomainFunction;

    fn next(&mut self) -> Option<DomainFunction> {
        loop {
            let (member, rest) = self.rest.split_first()?;
            self.rest = rest;
            if let Some(function) = member.domain_function() {
                return Some(function);
            }
        }
    }
}

/// Hands the capabilities of a container to `zpci_rust_add_capability()` and `zpci_rust_add_entry()`, those that grow with
/// the number of members last. Without members there are none.
///
/// Returns 0 or the first error of C.
///
/// # Safety
///
/// `members` must have `count` elements, and may be null if there are none; C must take capabilities with `chain`.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_container_capabilities(
    members: *const ForeignMember,
    count: u32,
    chain: *mut c_void,
) -> i32 {
    // SAFETY: by the contract there are that many members, and C takes capabilities with `chain`.
    let (members, mut chain) = unsafe { (slice(members, count), KernelChain::new(chain)) };
    Container::new(Domains { rest: members }).append_own_to(&mut chain).err().unwrap_or(0)
}

/// Checks that the members from index `joining` on leave the container of those before them with one format.
///
/// Returns 0, or -EINVAL with the first function that brings another one.
///
/// # Safety
///
/// `members` must have `count` elements, and may be null if there are none; `refusal` must be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_container_one_format(
    members: *const ForeignMember,
    count: u32,
    joining: u32,
    refusal: *mut ForeignRefusal,
) -> i32 {
    // SAFETY: by the contract there are that many members.
    let members = unsafe { slice(members, count) };
    let Some((before, joining)) = members.split_at_checked(joining as usize) else {
        return errno::EINVAL;
    };
    let container = Container::new(Domains { rest: before });
    for member in joining {
        if let Err(error) = container.check_one_format(&member.format()) {
            // SAFETY: by the contract `refusal` is valid.
            unsafe { refusal.write(ForeignRefusal::new(member.function.id, error)) };
            return errno::EINVAL;
        }
    }
    0
}

/// Writes `struct iommu_hw_info_zpci` of `function`, with frames of 1 MiB if `large`; returns the number of bytes written.
///
/// Returns 0 if the function has no address to be mapped.
///
/// # Safety
///
/// `function` must be valid; `buffer` must have `ZPCI_RUST_HARDWARE_SIZE` bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_hardware_information(
    function: *const ForeignFunction,
    large: bool,
    buffer: *mut u8,
) -> u32 {
    // SAFETY: by the contract `function` is valid and the buffer has this size.
    let (function, buffer) = unsafe { (&*function, core::slice::from_raw_parts_mut(buffer, HARDWARE_SIZE)) };
    let frame_sizes = if large { FrameSizes::WITH_LARGE } else { FrameSizes::SMALL };
    HardwareInformation::new(&function.function(), &function.group(), frame_sizes)
        .map_or(0, |information| information.emit(buffer) as u32)
}

/// C: `ZPCI_RUST_HARDWARE_SIZE`.
pub const HARDWARE_SIZE: usize = size_of::<HardwareInformation>();

/// Returns the `count` elements at `start`.
///
/// # Safety
///
/// There must be that many; `start` may be null if there are none.
unsafe fn slice<'a, T>(start: *const T, count: u32) -> &'a [T] {
    match count {
        0 => &[],
        // SAFETY: by the contract there are that many.
        _ => unsafe { core::slice::from_raw_parts(start, count as usize) },
    }
}
