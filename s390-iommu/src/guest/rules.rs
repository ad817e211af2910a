// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where machines differ.

use crate::format::address::AbsoluteAddress;
use crate::format::event_code::EventCode;
use crate::format::iota::Iota;

/// Which machine the guest believes to run on, in what machines do differently: [`Self::HARDWARE`] or [`Self::QEMU`].
///
/// The latter is QEMU 10.0.2: measured, and read in `hw/s390x/s390-pci-inst.c` and `hw/s390x/s390-pci-bus.c` where it was
/// not. The former is what Linux expects of hardware; where Linux says nothing it is as QEMU, or the stricter choice.
///
/// | | `HARDWARE` | `QEMU` |
/// |---|---|---|
/// | bits 48 to 55 of the request register of MPCIFC | part of the operation control | not looked at |
/// | low bits of the anchor, beside T and DT | not looked at | part of the origin of the table; 0x200 protects everything |
/// | an anchor without T | 0 alone | any |
/// | an address beyond what the root spans | not mapped | wraps |
/// | an entry that is 0; a frame or a table at absolute address 0 | as its bits say | error events 7, 9 |
/// | a table where the guest has no storage | error event 0xb | error event 7 |
/// | RPCIT that passes 2^64 | goes to the end | wraps, and so ends below the aperture |
/// | RPCIT for a function without translation (IOTA 0) | done | error event 1 |
/// | reregistration with wrong operands | changes nothing | deregisters |
/// | interrupt vectors that cross a page, or of more interrupts than the group has | status 4 | taken: [across pages] |
/// | DMA of a function that is blocked (operation 9) | refused, until operation 7 | translated |
/// | RPCIT of a function that is blocked | done, with no look at the tables: the VMM [refreshes] after operation 7 | as of any |
/// | DMA behind the aperture, or where nothing is registered | error events 2, 1 | fails, and no more |
/// | a measurement block counts from | where it is set | the last end of measurement, or a disable |
/// | STPCIFC finds the function by | its handle | the low halfword of the handle |
/// | PAL of an ISM function | one page too high is taken | not taken |
///
/// What `QEMU` does otherwise than QEMU does (read):
///
/// * RPCIT for an anchor without T that is not 0 is done at once. QEMU walks what the anchor leads to, by which no DMA goes.
/// * DMA without translation is looked at as any. Under QEMU it reaches all of the guest from the start of the window on, whatever
///   the aperture is, and while the function is in error.
/// * A VMM may have no measurement block
///   ([`has_measurement`](crate::guest::Configuration::has_measurement)), and setting one gets status 4. QEMU has one always.
///
/// [across pages]: crate::InterruptVector::across_pages
/// [refreshes]: crate::guest::FunctionControls::refresh_all
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rules {
    /// Bits of the request register of MPCIFC that make the operation control.
    pub(super) control_mask: u16,
    /// Whether every bit of the anchor but T and DT is a part of the origin.
    whole_anchor: bool,
    /// Whether addresses wrap.
    pub(super) wraps: bool,
    /// Whether nothing valid is 0.
    pub(super) refuses_zero: bool,
    /// The code for a table that is not there.
    pub(super) no_storage: EventCode,
    /// Whether a refresh without translation is done at once, or an error.
    pub(super) refreshes_identity: bool,
    /// Whether a reregistration starts with a deregistration, whatever follows.
    pub(super) deregisters_first: bool,
    /// Whether interrupt parameters are checked.
    pub(super) checks_interrupts: bool,
    /// Whether a function does DMA whose error was reset for loads and stores alone.
    pub(super) translates_blocked: bool,
    /// Whether a device has storage before it up to the end of a registered aperture alone.
    pub(super) ends_with_aperture: bool,
    /// Whether a measurement block counts from where it is set.
    pub(super) counts_anew: bool,
    /// Bits of a handle by which STPCIFC finds a function.
    pub(super) store_mask: u32,
    /// Whether an ISM function's last address is one page lower than what is registered.
    pub(super) has_ism_quirk: bool,
    /// Whether an entry counts from the address on that was looked for, and not from the start of what it covers, and a
    /// refresh goes over its range byte by byte.
    pub(super) steps_from_cursor: bool,
}

/// The bit of an anchor by which QEMU protects everything.
const PROTECTED: u64 = 0x200;

impl Rules {
    /// As Linux expects the machine.
    pub const HARDWARE: Self = Self {
        control_mask: 0xffff,
        whole_anchor: false,
        wraps: false,
        refuses_zero: false,
        no_storage: EventCode::SERIOUS_ERROR,
        refreshes_identity: true,
        deregisters_first: false,
        checks_interrupts: true,
        translates_blocked: false,
        ends_with_aperture: false,
        counts_anew: true,
        store_mask: u32::MAX,
        has_ism_quirk: true,
        steps_from_cursor: false,
    };

    /// As QEMU 10.0.2 answers.
    pub const QEMU: Self = Self {
        control_mask: 0xff,
        whole_anchor: true,
        wraps: true,
        refuses_zero: true,
        no_storage: EventCode::INVALID_TABLE_ENTRY,
        refreshes_identity: false,
        deregisters_first: true,
        checks_interrupts: false,
        translates_blocked: true,
        ends_with_aperture: true,
        counts_anew: false,
        store_mask: 0xffff,
        has_ism_quirk: false,
        steps_from_cursor: false,
    };

    /// With the way in which QEMU 10.0.2 goes over large entries, to compare with it.
    ///
    /// An entry that covers more than a page is taken for as many bytes as it covers from the address on that the refresh
    /// came to. A refresh that starts within an invalid region so unmaps the start of what follows the region, and one that
    /// starts within a frame of 1 MiB maps storage behind the frame. One that starts within a page takes each entry for a
    /// page more than it covers, until the next entry is looked at, which the last page's is not if the range ends before the
    /// same byte of it. Entries outside of the aperture are looked at, and an error of one is an error of the refresh; what they
    /// lead to is not mapped. (All measured.)
    #[must_use]
    pub const fn with_steps_of_qemu(self) -> Self {
        Self { steps_from_cursor: true, ..self }
    }

    /// Where the root that `iota` designates is.
    pub(super) const fn origin(&self, iota: Iota) -> AbsoluteAddress {
        if self.whole_anchor {
            const OTHER: u64 = !Iota::new().with_translation(true).with_designation_type(7).into_bits();
            AbsoluteAddress::new(iota.into_bits() & OTHER)
        } else {
            iota.origin()
        }
    }

    /// Whether all that `iota` leads to is read only.
    pub(super) const fn is_protected(&self, iota: Iota) -> bool {
        self.whole_anchor && iota.into_bits() & PROTECTED != 0
    }
}
