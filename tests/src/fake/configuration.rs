// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a fake machine consists of.

use std::vec;
use std::vec::Vec;

/// Whose answers the fake gives where machines differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Personality {
    /// Those of QEMU 10.0.2, as measured.
    Qemu,
    /// Those of a machine as Linux expects it: response lengths say what was stored, BARs are little-endian, a
    /// function that is already in the requested state answers 0x0105, every change of state gives a new handle, and
    /// the immediate form and the characteristics of the logical processor exist.
    Hardware,
}

/// A fake machine.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Whose answers it gives.
    pub personality: Personality,
    /// Its functions, in the order of the list.
    pub functions: Vec<FunctionConfiguration>,
    /// Its groups.
    pub groups: Vec<GroupConfiguration>,
    /// QEMU's defect: a refresh that starts in the middle of what a region or segment entry covers takes the entry for
    /// as many bytes from there on as it covers. So an invalid entry drops what lies behind it (measured for region
    /// entries), and one that maps 1 MiB lets the device reach what lies behind that (`rpcit_service_call` in
    /// `hw/s390x/s390-pci-inst.c`).
    pub refresh_skips: bool,
    /// Busy answers that each SET gives before it does its work.
    pub busy: u32,
}

/// One function.
#[derive(Clone, Debug)]
pub struct FunctionConfiguration {
    /// FID.
    pub fid: u32,
    /// UID.
    pub uid: u32,
    /// PCI device ID.
    pub device_id: u16,
    /// PCI vendor ID.
    pub vendor_id: u16,
    /// Configured, else standby.
    pub configured: bool,
    /// VFN.
    pub vfn: u16,
    /// PFGID.
    pub pfgid: u8,
    /// log2 of the size of each BAR in bytes; 0: absent.
    pub bar_sizes: [u8; 6],
    /// Each BAR as in config space.
    pub bars: [u32; 6],
    /// PCHID.
    pub pchid: u16,
    /// Internal path.
    pub pfip: [u8; 4],
    /// PFT.
    pub pft: u8,
    /// First usable DMA address.
    pub sdma: u64,
    /// Last usable DMA address, inclusive.
    pub edma: u64,
    /// Utility string, EBCDIC.
    pub utility_string: Option<[u8; 64]>,
    /// Whether it has the addresses of mapped I/O.
    pub mio: bool,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupConfiguration {
    /// PFGID.
    pub pfgid: u8,
    /// Largest number of message-signalled interrupts.
    pub noi: u16,
    /// PCI version.
    pub version: u8,
    /// RPCIT is needed after invalid entries became valid as well.
    pub refresh: bool,
    /// Relaxed translation.
    pub relaxed: bool,
    /// Largest store block in bytes.
    pub maxstbl: u16,
    /// Update interval of the measurement block in milliseconds.
    pub mui: u16,
    /// Supported designation types, 0x80 >> DT each.
    pub dtsm: u8,
    /// DMA address space mask.
    pub dasm: u64,
    /// Address of message-signalled interrupts.
    pub msia: u64,
}

impl Configuration {
    /// QEMU with one NVMe controller, as recorded in `clp/tests/fixtures/e2-nvme-query.hex`.
    pub fn qemu() -> Self {
        Self {
            personality: Personality::Qemu,
            functions: vec![FunctionConfiguration::nvme()],
            groups: vec![GroupConfiguration::qemu()],
            refresh_skips: true,
            busy: 0,
        }
    }

    /// A machine with every designation type and a window without bounds, whose group has `refresh` as its bit.
    pub fn hardware(refresh: bool) -> Self {
        Self {
            personality: Personality::Hardware,
            functions: vec![FunctionConfiguration {
                fid: 0x100,
                uid: 0x2_0001,
                vfn: 1,
                pfgid: 7,
                pchid: 0x1c0,
                pfip: [1, 2, 3, 4],
                pft: 0x0b,
                sdma: 0,
                edma: u64::MAX,
                ..FunctionConfiguration::nvme()
            }],
            groups: vec![GroupConfiguration {
                pfgid: 7,
                noi: 64,
                version: 1,
                refresh,
                relaxed: true,
                maxstbl: 4096,
                mui: 1000,
                dtsm: 0x70,
                dasm: 0xffff_ffff_0000_0000,
                ..GroupConfiguration::qemu()
            }],
            refresh_skips: false,
            busy: 2,
        }
    }
}

impl FunctionConfiguration {
    /// QEMU's NVMe controller.
    pub fn nvme() -> Self {
        Self {
            fid: 0,
            uid: 1,
            device_id: 0x0010,
            vendor_id: 0x1b36,
            configured: true,
            vfn: 0,
            pfgid: 0xff,
            bar_sizes: [0x0e, 0, 0, 0, 0, 0],
            bars: [4, 0, 0, 0, 0, 0],
            pchid: 0,
            pfip: [0; 4],
            pft: 0,
            sdma: 0x1_0000_0000,
            edma: 0x01ff_ffff_ffff_ffff,
            utility_string: None,
            mio: false,
        }
    }
}

impl GroupConfiguration {
    /// QEMU's group of all emulated functions.
    pub fn qemu() -> Self {
        Self {
            pfgid: 0xff,
            noi: 128,
            version: 0,
            refresh: true,
            relaxed: false,
            maxstbl: 128,
            mui: 4000,
            dtsm: 0x40,
            dasm: 0,
            msia: 0xfe00_0000_0000_0000,
        }
    }
}
