// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The block by which the machine says why a function is in error.

use core::fmt;

use bitfield_struct::bitfield;
use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout, FunctionHandle, FunctionId};
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::format::address::Iova;
use crate::format::event_code::EventCode;

/// Error event: what CHSC "store event information" describes with content code 1, and what Linux hands to user space with
/// `VFIO_DEVICE_FEATURE_ZPCI_ERROR`.
///
/// 32 bytes, big-endian whatever the host. Linux: `struct zpci_ccdf_err`, `arch/s390/include/asm/pci.h` since 7.3,
/// `arch/s390/pci/pci_event.c` before. Every value is representable.
///
/// ```
/// use s390_iommu::{ErrorEvent, EventCode, Severity};
/// use zerocopy::FromBytes;
///
/// # let mut buffer = [0; 32];
/// # buffer[4..8].copy_from_slice(&[0x80, 0x02, 0x00, 0x00]);
/// # buffer[16..24].copy_from_slice(&0x1_0010_0000_u64.to_be_bytes());
/// # buffer[31] = 2;
/// // What the feature wrote, where ZPCI_BASE says that an event has at least as many bytes.
/// let (event, _) = ErrorEvent::read_from_prefix(&buffer).map_err(|_| "too short")?;
/// assert_eq!(event.code(), EventCode::OUTSIDE_APERTURE);
/// assert_eq!(event.code().severity(), Severity::Recoverable);
/// assert_eq!(event.iova().get(), 0x1_0010_0000);
/// # Ok::<(), &str>(())
/// ```
#[doc(alias = "zpci_ccdf_err")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct ErrorEvent {
    /// Reserved.
    pub reserved_0: U32,
    /// Handle that the function had when it happened.
    pub handle: U32,
    /// Identifier of the function.
    pub id: U32,
    /// [`ErrorAccess`].
    pub access: U32,
    /// I/O virtual address that failed, where the code is one of an access.
    pub address: U64,
    /// Reserved.
    pub reserved_24: U32,
    /// Reserved.
    pub reserved_28: U16,
    /// PCI event code (PEC).
    pub code: U16,
}

const_assert_eq!(size_of::<ErrorEvent>(), 32);
const_assert_eq!(core::mem::offset_of!(ErrorEvent, handle), 4);
const_assert_eq!(core::mem::offset_of!(ErrorEvent, id), 8);
const_assert_eq!(core::mem::offset_of!(ErrorEvent, access), 12);
const_assert_eq!(core::mem::offset_of!(ErrorEvent, address), 16);
const_assert_eq!(core::mem::offset_of!(ErrorEvent, code), 30);

layout! {
    /// The fields of [`ErrorEvent`].
    pub static ERROR_EVENT: ErrorEvent = "error event", "struct zpci_ccdf_err", Order::Big;
    reserved_0: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    handle: Kind::Handle, "fh", "Handle that the function had";
    id: Kind::Number, "fid", "Function identifier";
    access: Kind::Bits, "", "The access that failed", word &ERROR_ACCESS;
    address: Kind::Address, "faddr", "I/O virtual address that failed";
    reserved_24: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    reserved_28: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    code: Kind::Event, "pec", "PCI event code";
}

debug_by_layout!(ErrorEvent, ERROR_EVENT);

impl ErrorEvent {
    /// Number of bytes of an event, what `ccdf_err_length` of ZPCI_BASE says.
    pub const SIZE: usize = size_of::<Self>();

    /// An event with `code` of the function `id` while it had `handle`, of no access, at `address`.
    pub fn new(handle: FunctionHandle, id: FunctionId, code: EventCode, address: Iova) -> Self {
        Self {
            handle: U32::new(handle.0),
            id: U32::new(id.0),
            address: U64::new(address.get()),
            code: U16::new(code.0),
            ..Self::new_zeroed()
        }
    }

    /// The handle that the function had. An event with another handle than the function has now is of the past.
    pub const fn handle(&self) -> FunctionHandle {
        FunctionHandle(self.handle.get())
    }

    /// The function.
    pub const fn id(&self) -> FunctionId {
        FunctionId(self.id.get())
    }

    /// The access that failed; zero in QEMU (measured with 10.0).
    pub const fn access(&self) -> ErrorAccess {
        ErrorAccess::from_bits(self.access.get())
    }

    /// The address that failed.
    pub const fn iova(&self) -> Iova {
        Iova::new(self.address.get())
    }

    /// What happened.
    pub const fn code(&self) -> EventCode {
        EventCode(self.code.get())
    }
}

impl fmt::Display for ErrorEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} at IOVA {}", self.code(), self.iova())
    }
}

/// The access that an [`ErrorEvent`] is about.
///
/// Linux: `ett`, `mvn`, `dmaas`, `q` and `rw` of `struct zpci_ccdf_err`. No public source says when each of them means
/// something.
#[bitfield(u32, order = Msb)]
#[derive(Eq, PartialEq)]
pub struct ErrorAccess {
    /// Type of table that was expected (ETT).
    #[bits(4)]
    pub expected_table_type: u8,
    /// Number of the message-signalled interrupt (MVN).
    #[bits(12)]
    pub message: u16,
    /// DMA address space (DMAAS).
    pub address_space: u8,
    #[bits(6)]
    __: u8,
    /// Event qualifier (Q).
    pub qualifier: bool,
    /// Read/write indication (RW); no public source says which of the two is 1.
    pub read_write: bool,
}

/// The bits of [`ErrorAccess`].
pub static ERROR_ACCESS: Word = Word {
    title: "access",
    width: 32,
    parts: &[
        Part::new(
            32,
            (ErrorAccess::EXPECTED_TABLE_TYPE_OFFSET, ErrorAccess::EXPECTED_TABLE_TYPE_BITS),
            "expected_table_type",
            "ett",
            "Expected table type",
        ),
        Part::new(
            32,
            (ErrorAccess::MESSAGE_OFFSET, ErrorAccess::MESSAGE_BITS),
            "message",
            "mvn",
            "Number of the message",
        ),
        Part::new(
            32,
            (ErrorAccess::ADDRESS_SPACE_OFFSET, ErrorAccess::ADDRESS_SPACE_BITS),
            "address_space",
            "dmaas",
            "DMA address space",
        ),
        Part::new(
            32,
            (ErrorAccess::QUALIFIER_OFFSET, ErrorAccess::QUALIFIER_BITS),
            "qualifier",
            "q",
            "Event qualifier",
        ),
        Part::new(
            32,
            (ErrorAccess::READ_WRITE_OFFSET, ErrorAccess::READ_WRITE_BITS),
            "read_write",
            "rw",
            "Read/write indication",
        ),
    ],
};
