// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space is told of domains that it maps together, and of the IOMMU of one function.

use core::ffi::c_void;

use ::clp::DesignationTypes;
use s390_iommu::vfio::{write_chain, ByteOrder, HardwareInformation};
use s390_iommu::{
    AttachedFunction, Container, ContainerError as AttachError, Domain, DomainId, FormatError, FrameSizes, TableFormat,
};
use static_assertions::const_assert_eq;

use crate::errno;
use crate::function::ForeignFunction;
use crate::table::ForeignTable;

/// C: `struct zpci_rust_member`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignMember {
    /// The function.
    pub function: ForeignFunction,
    /// The table that it is registered with.
    pub table: ForeignTable,
}

const_assert_eq!(size_of::<ForeignMember>(), 296);

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
    /// No address could be mapped for all; no numbers.
    pub const ADDRESSES: u32 = 0;
    /// Designation types, as the machine stores them.
    pub const DESIGNATION_TYPES: u32 = 1;
    /// Frame sizes: bit n, counted from the least significant, for frames of 2^n bytes.
    pub const FRAME_SIZES: u32 = 2;
    /// Whether a function may be registered without a table: 0 or 1.
    pub const RELAXED_TRANSLATION: u32 = 3;

    fn new(id: u32, error: AttachError) -> Self {
        let (reason, wanted, found) = match error {
            AttachError::Function { error, .. } | AttachError::Format(error) => match error {
                FormatError::DesignationTypes { wanted, found } => {
                    (Self::DESIGNATION_TYPES, wanted.0.into(), found.0.into())
                }
                FormatError::FrameSizes { wanted, found } => (Self::FRAME_SIZES, wanted.bitmap(), found.bitmap()),
                FormatError::RelaxedTranslation { wanted } => {
                    (Self::RELAXED_TRANSLATION, wanted.into(), (!wanted).into())
                }
                _ => (Self::ADDRESSES, 0, 0),
            },
            _ => (Self::ADDRESSES, 0, 0),
        };
        Self { wanted, found, id, reason }
    }
}

impl ForeignMember {
    /// The function with its registration is a domain of its own: an aperture is registered for each.
    ///
    /// Nothing where no address of the function can be used.
    fn domain<'a>(&self, aperture: u64, functions: &'a [AttachedFunction]) -> Option<Domain<'a>> {
        Some(Domain {
            id: DomainId(self.function.id.into()),
            aperture: self.function.plan(aperture)?.aperture,
            format: TableFormat {
                designation_types: DesignationTypes(0x80 >> self.table.root().designation_type()),
                frame_sizes: self.table.frames(),
                // Whoever is in a container has a table.
                relaxed_translation: false,
            },
            reserved: &[],
            functions,
        })
    }
}

/// What is in the room that C gives for each member: the functions of all, and behind them the domains.
const ROOM: usize = size_of::<AttachedFunction>() + size_of::<Option<Domain<'_>>>();

const_assert_eq!(align_of::<AttachedFunction>(), 8);
const_assert_eq!(align_of::<Option<Domain<'_>>>(), 8);

/// The domains of `members`, in `room`.
///
/// # Safety
///
/// `room` must be aligned to 8 bytes, have [`ROOM`] bytes for each member, and not be used otherwise during `'a`.
unsafe fn domains<'a>(members: &[ForeignMember], aperture: u64, room: *mut c_void) -> &'a mut [Option<Domain<'a>>] {
    if members.is_empty() {
        return &mut [];
    }
    let functions = room.cast::<AttachedFunction>();
    // SAFETY: by the contract the room is that large, and both types have the alignment that it has.
    let domains = unsafe { functions.add(members.len()).cast::<Option<Domain<'a>>>() };
    for (index, member) in members.iter().enumerate() {
        // SAFETY: as above; what is written here is not changed again, so the domain may borrow it.
        unsafe {
            let function = functions.add(index);
            function.write(member.function.attached(member.table.frames()));
            domains.add(index).write(member.domain(aperture, core::slice::from_ref(&*function)));
        }
    }
    // SAFETY: all of them were written, and nobody else uses them.
    unsafe { core::slice::from_raw_parts_mut(domains, members.len()) }
}

/// How many bytes of room `count` members take.
#[no_mangle]
pub extern "C" fn zpci_rust_container_room(count: u32) -> u64 {
    u64::from(count).saturating_mul(ROOM as u64)
}

/// How many bytes the capabilities of `members` take, which are written to `buffer` if it has `size` of them.
///
/// # Safety
///
/// `members` must have `count` elements, `room` be aligned to 8 bytes and have `zpci_rust_container_room(count)`, and
/// `buffer` have `size` bytes. What has no elements or bytes may be null.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_container_capabilities(
    members: *const ForeignMember,
    count: u32,
    aperture: u64,
    room: *mut c_void,
    buffer: *mut u8,
    size: u64,
) -> u64 {
    // SAFETY: by the contract of the caller.
    let (domains, buffer) = unsafe { (domains(slice(members, count), aperture, room), bytes(buffer, size)) };
    let container = Container::new(domains);
    write_chain(ByteOrder::NATIVE, buffer, |chain| container.append_own_to(chain)) as u64
}

/// Whether the members from index `joining` on may join those before them: 0, or -EINVAL with the first that may not.
///
/// # Safety
///
/// `members` must have `count` elements, `room` be aligned to 8 bytes and have `zpci_rust_container_room(count)`, and
/// `refusal` be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_container_join(
    members: *const ForeignMember,
    count: u32,
    joining: u32,
    aperture: u64,
    room: *mut c_void,
    refusal: *mut ForeignRefusal,
) -> i32 {
    // SAFETY: by the contract of the caller.
    let members = unsafe { slice(members, count) };
    // SAFETY: as above.
    let domains = unsafe { domains(members, aperture, room) };
    for (index, member) in members.iter().enumerate().skip(joining as usize) {
        let Some((domain, domains)) = domains.get_mut(..=index).and_then(take_last) else { continue };
        if let Err(error) = Container::new(domains).attach(domain, &[]) {
            // SAFETY: as above.
            unsafe { refusal.write(ForeignRefusal::new(member.function.id, error)) };
            return errno::EINVAL;
        }
    }
    0
}

/// The last of `domains`, whose place becomes empty, and all of them; nothing where it is empty already.
fn take_last<'s, 'a>(domains: &'s mut [Option<Domain<'a>>]) -> Option<(Domain<'a>, &'s mut [Option<Domain<'a>>])> {
    let domain = domains.last_mut()?.take()?;
    Some((domain, domains))
}

/// Writes `struct iommu_hw_info_zpci` of `function`, with frames of 1 MiB if `large`; the number of bytes written.
///
/// 0 if the function has no address to be mapped.
///
/// # Safety
///
/// `function` must be valid; `buffer` must have room for `ZPCI_RUST_HARDWARE_SIZE` bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_hardware_information(
    function: *const ForeignFunction,
    large: bool,
    buffer: *mut u8,
) -> u32 {
    // SAFETY: by the contract of the caller.
    let (function, buffer) = unsafe { (&*function, bytes(buffer, HARDWARE_SIZE as u64)) };
    let frame_sizes = if large { FrameSizes::WITH_LARGE } else { FrameSizes::SMALL };
    function
        .attached(frame_sizes)
        .get_attr::<HardwareInformation>()
        .map_or(0, |information| information.emit(buffer) as u32)
}

/// C: `ZPCI_RUST_HARDWARE_SIZE`.
pub const HARDWARE_SIZE: usize = size_of::<HardwareInformation>();

/// The `count` elements at `start`.
///
/// # Safety
///
/// There must be that many; `start` may be null where there is none.
unsafe fn slice<'a, T>(start: *const T, count: u32) -> &'a [T] {
    match count {
        0 => &[],
        // SAFETY: by the contract there are that many.
        _ => unsafe { core::slice::from_raw_parts(start, count as usize) },
    }
}

/// The `size` bytes at `start`, to be written.
///
/// # Safety
///
/// There must be that many, and nobody else may use them; `start` may be null where there is none.
unsafe fn bytes<'a>(start: *mut u8, size: u64) -> &'a mut [u8] {
    match size {
        0 => &mut [],
        // SAFETY: by the contract there are that many.
        _ => unsafe { core::slice::from_raw_parts_mut(start, size as usize) },
    }
}
