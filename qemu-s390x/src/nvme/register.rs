// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Controller registers, in the memory of BAR 0.
//!
//! NVM Express Base Specification 1.4, section 3.1.

use bitfield_struct::bitfield;

/// Controller capabilities (CAP), a doubleword.
pub(super) const CAPABILITIES: u64 = 0x00;
/// Controller configuration (CC).
pub(super) const CONFIGURATION: u64 = 0x14;
/// Controller status (CSTS).
pub(super) const STATUS: u64 = 0x1c;
/// Admin queue attributes (AQA): entries less one, of the completion queue in the upper half.
pub(super) const ADMIN_QUEUE_ATTRIBUTES: u64 = 0x24;
/// Admin submission queue base address (ASQ), a doubleword.
pub(super) const ADMIN_SUBMISSION_QUEUE: u64 = 0x28;
/// Admin completion queue base address (ACQ), a doubleword.
pub(super) const ADMIN_COMPLETION_QUEUE: u64 = 0x30;
/// First doorbell: the tail of the admin submission queue.
pub(super) const DOORBELLS: u64 = 0x1000;

/// Controller capabilities (CAP).
#[bitfield(u64)]
#[derive(Eq, PartialEq)]
pub(super) struct Capabilities {
    /// Entries of the largest queue, less one (MQES).
    pub(super) largest_queue_less_one: u16,
    /// Queues must not be scattered (CQR).
    pub(super) contiguous_queues: bool,
    /// Arbitration mechanisms beside round robin (AMS).
    #[bits(2)]
    pub(super) arbitration: u8,
    #[bits(5)]
    __: u8,
    /// Longest time to become ready or to stop being so, in units of 500 ms (TO).
    pub(super) timeout: u8,
    /// Distance of doorbells: 4 << this (DSTRD).
    #[bits(4)]
    pub(super) doorbell_stride_log2: u8,
    /// Subsystem reset (NSSRS).
    pub(super) subsystem_reset: bool,
    /// Command sets (CSS); bit 0: NVM.
    pub(super) command_sets: u8,
    /// Boot partitions (BPS).
    pub(super) boot_partitions: bool,
    #[bits(2)]
    __: u8,
    /// Smallest memory page: 4 KiB << this (MPSMIN).
    #[bits(4)]
    pub(super) smallest_page_log2: u8,
    /// Largest memory page: 4 KiB << this (MPSMAX).
    #[bits(4)]
    pub(super) largest_page_log2: u8,
    __: u8,
}

/// Controller configuration (CC).
#[bitfield(u32)]
#[derive(Eq, PartialEq)]
pub(super) struct ControllerConfiguration {
    /// The controller is to process commands (EN).
    pub(super) enable: bool,
    #[bits(3)]
    __: u8,
    /// Command set (CSS); 0: NVM.
    #[bits(3)]
    pub(super) command_set: u8,
    /// Memory page: 4 KiB << this (MPS).
    #[bits(4)]
    pub(super) page_log2: u8,
    /// Arbitration mechanism (AMS); 0: round robin.
    #[bits(3)]
    pub(super) arbitration: u8,
    /// Shutdown notification (SHN).
    #[bits(2)]
    pub(super) shutdown: u8,
    /// Submission queue entry: 1 << this bytes (IOSQES).
    #[bits(4)]
    pub(super) submission_entry_log2: u8,
    /// Completion queue entry: 1 << this bytes (IOCQES).
    #[bits(4)]
    pub(super) completion_entry_log2: u8,
    __: u8,
}

/// Controller status (CSTS).
#[bitfield(u32)]
#[derive(Eq, PartialEq)]
pub(super) struct ControllerStatus {
    /// The controller processes commands (RDY).
    pub(super) ready: bool,
    /// It failed and needs a reset (CFS).
    pub(super) fatal: bool,
    /// Shutdown status (SHST).
    #[bits(2)]
    pub(super) shutdown: u8,
    #[bits(28)]
    __: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_of_qemu() {
        // QEMU 10.0.2: 2048 entries, 7.5 s, pages of 4 KiB to 64 KiB, contiguous queues.
        let capabilities = Capabilities::from(0x0040_0020_0f01_07ff);
        assert_eq!(capabilities.largest_queue_less_one(), 2047);
        assert!(capabilities.contiguous_queues());
        assert_eq!(capabilities.timeout(), 15);
        assert_eq!(capabilities.doorbell_stride_log2(), 0);
        assert_eq!(capabilities.command_sets(), 1);
        assert_eq!(capabilities.smallest_page_log2(), 0);
        assert_eq!(capabilities.largest_page_log2(), 4);
    }

    #[test]
    fn configuration_bits() {
        let configuration = ControllerConfiguration::new()
            .with_enable(true)
            .with_submission_entry_log2(6)
            .with_completion_entry_log2(4);
        assert_eq!(u32::from(configuration), 0x0046_0001);
    }

    #[test]
    fn status_bits() {
        assert!(ControllerStatus::from(1).ready());
        assert!(ControllerStatus::from(2).fatal());
    }
}
