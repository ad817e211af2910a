// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions to try things on.

use zpci_glue::function::ForeignFunction;

/// A function as QEMU emulates it: 4 GiB to 2^57, region-third table alone, refresh on every change.
pub(crate) const QEMU: ForeignFunction = ForeignFunction {
    start_dma: 0x1_0000_0000,
    end_dma: 0x01ff_ffff_ffff_ffff,
    dasm: 0,
    msi_address: 0xfe00_0000_0000_0000,
    mio_write_back: [0; 6],
    mio_write_through: [0; 6],
    id: 1,
    uid: 1,
    handle: 0x8002_0000,
    gisa: 0,
    bars: [0; 6],
    vfn: 0,
    pchid: 0,
    fmb_length: 0,
    rid: 0,
    tid: 0,
    max_interrupts: 128,
    max_store_block: 128,
    measurement_interval: 4000,
    group: 0xff,
    function_type: 0,
    port: 0,
    fidparm: 0,
    designation_types: 0x40,
    version: 0,
    mio_bars: 0,
    flags: ForeignFunction::REFRESH,
    bar_size_log2: [0; 6],
    internal_path: [0; 4],
    directed_interrupts: 0,
    roots: 0xff,
    reserved: [0; 4],
    utility_string: [0; 64],
};

/// A function of a machine without a hypervisor that shadows tables, with each kind of root.
pub(crate) const HARDWARE: ForeignFunction =
    ForeignFunction { handle: 0x8001_0007, designation_types: 0x70, flags: ForeignFunction::PHYSICAL, ..QEMU };

/// An aperture that the shallowest root reaches.
pub(crate) const GIB: u64 = 1 << 30;
/// Where the window of the functions starts.
pub(crate) const START: u64 = 0x1_0000_0000;
