# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the headers of Linux and of this project's driver, and not from the structures of its libraries, which are
# compared with it.
meta:
  id: vfio_zpci_info
  title: What VFIO tells of PCI functions of IBM Z and of their IOMMU
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian:
    switch-on: is_be
    cases:
      true: be
      false: le
doc: |
  The buffers of VFIO_DEVICE_GET_INFO and VFIO_IOMMU_GET_INFO: a structure, and capabilities that follow each other by `next`. Numbers
  are in the byte order of the host.
doc-ref:
  - Linux, include/uapi/linux/vfio.h and include/uapi/linux/vfio_zdev.h
  - this project, glue-c/include/uapi/linux/vfio_zpci.h
params:
  - id: is_be
    type: bool
  - id: is_device
    type: bool
seq:
  - id: information
    type:
      switch-on: is_device
      cases:
        true: device_info
        false: iommu_info
instances:
  flags:
    pos: 4
    type: u4
  has_capabilities:
    value: '(flags & (is_device ? 0x80 : 0x2)) != 0'
    doc: Without it nothing is written from byte 16 on.
  cap_offset:
    pos: 16
    type: u4
    if: has_capabilities
  first:
    pos: cap_offset
    type: capability
    if: has_capabilities and cap_offset != 0
types:
  device_info:
    seq:
      - id: argsz
        type: u4
      - id: flags
        type: u4
      - id: num_regions
        type: u4
      - id: num_irqs
        type: u4
      - id: cap_offset
        type: u4
        if: _root.has_capabilities
      - id: pad
        type: u4
        if: _root.has_capabilities and cap_offset != 20
        doc: Not in the structure of Linux before 6.6, of which capabilities follow at 20.
  iommu_info:
    seq:
      - id: argsz
        type: u4
      - id: flags
        type: u4
      - id: iova_pgsizes
        type: u8
      - id: cap_offset
        type: u4
        if: _root.has_capabilities
      - id: pad
        type: u4
        if: _root.has_capabilities and cap_offset != 20
        doc: Not in the structure of Linux before 6.6, of which capabilities follow at 20.
  capability:
    seq:
      - id: id
        type: u2
      - id: version
        type: u2
      - id: next
        type: u4
      - id: body
        type:
          switch-on: '(_root.is_device ? 0x10000 : 0) + id'
          cases:
            0x10001: zpci_base(version)
            0x10002: zpci_group(version)
            0x10003: zpci_util
            0x10004: zpci_pfip
            0x1: iova_ranges
            0x2: migration
            0x3: dma_avail
            0xf392: gaps
            0xf394: msi
            0xf396: functions
            0xf397: groups
            0xf398: table_formats
    instances:
      next_capability:
        pos: next
        type: capability
        if: next != 0
  zpci_base:
    params:
      - id: version
        type: u2
    seq:
      - id: start_dma
        type: u8
      - id: end_dma
        type: u8
      - id: pchid
        type: u2
      - id: vfn
        type: u2
      - id: fmb_length
        type: u2
      - id: pft
        type: u1
      - id: gid
        type: u1
      - id: fh
        type: u4
        if: version >= 2
      - id: ccdf_err_length
        type: u4
        if: version >= 3
  zpci_group:
    params:
      - id: version
        type: u2
    seq:
      - id: dasm
        type: u8
      - id: msi_addr
        type: u8
      - id: flags
        type: u8
      - id: mui
        type: u2
      - id: noi
        type: u2
      - id: maxstbl
        type: u2
      - id: version_of_pci
        type: u1
      - id: reserved
        size: 1
        doc: In version 1 the padding of the structure.
      - id: imaxstbl
        type: u2
        if: version >= 2
      - id: padding
        size: 6
        if: version >= 2
  zpci_util:
    seq:
      - id: size
        type: u4
      - id: util_str
        size: size
  zpci_pfip:
    seq:
      - id: size
        type: u4
      - id: pfip
        size: size
  iova_ranges:
    seq:
      - id: nr_iovas
        type: u4
      - id: reserved
        size: 4
      - id: iova_ranges
        type: iova_range
        repeat: expr
        repeat-expr: nr_iovas
  iova_range:
    seq:
      - id: start
        type: u8
      - id: end
        type: u8
        doc: Inclusive.
  migration:
    seq:
      - id: flags
        type: u4
      - id: padding
        size: 4
      - id: pgsize_bitmap
        type: u8
      - id: max_dirty_bitmap_size
        type: u8
  dma_avail:
    seq:
      - id: avail
        type: u4
  gaps:
    seq:
      - id: nr_gaps
        type: u4
      - id: entry_size
        type: u4
      - id: gaps
        type: gap
        repeat: expr
        repeat-expr: nr_gaps
  gap:
    seq:
      - id: start
        type: u8
      - id: end
        type: u8
        doc: Inclusive.
      - id: reasons
        type: u4
      - id: reserved
        size: 4
  msi:
    seq:
      - id: flags
        type: u4
      - id: nr_pages
        type: u4
      - id: page_size
        type: u8
      - id: nr_windows
        type: u4
      - id: entry_size
        type: u4
      - id: windows
        type: msi_window
        repeat: expr
        repeat-expr: nr_windows
  msi_window:
    seq:
      - id: start
        type: u8
      - id: end
        type: u8
        doc: Inclusive.
      - id: flags
        type: u4
      - id: reserved
        size: 4
  groups:
    seq:
      - id: nr_groups
        type: u4
      - id: entry_size
        type: u4
      - id: groups
        type: group
        repeat: expr
        repeat-expr: nr_groups
  group:
    seq:
      - id: dasm
        type: u8
      - id: msi_addr
        type: u8
      - id: flags
        type: u4
      - id: mui
        type: u2
      - id: noi
        type: u2
      - id: maxstbl
        type: u2
      - id: version
        type: u1
      - id: gid
        type: u1
      - id: reserved
        size: 4
  functions:
    seq:
      - id: nr_functions
        type: u4
      - id: entry_size
        type: u4
      - id: functions
        type: function
        repeat: expr
        repeat-expr: nr_functions
  function:
    seq:
      - id: fid
        type: u4
      - id: uid
        type: u4
      - id: start_dma
        type: u8
      - id: end_dma
        type: u8
      - id: flags
        type: u4
      - id: pchid
        type: u2
      - id: vfn
        type: u2
      - id: fmb_length
        type: u2
      - id: pft
        type: u1
      - id: gid
        type: u1
      - id: pfip
        size: 4
      - id: port
        type: u1
      - id: fidparm
        type: u1
      - id: format
        type: u2
      - id: reserved
        size: 4
      - id: util_str
        size: 64
        doc: EBCDIC, if the flag says so.
  table_formats:
    seq:
      - id: nr_formats
        type: u4
      - id: entry_size
        type: u4
      - id: formats
        type: table_format
        repeat: expr
        repeat-expr: nr_formats
  table_format:
    seq:
      - id: frame_sizes
        type: u8
      - id: format
        type: u4
      - id: flags
        type: u4
      - id: designation_types
        type: u4
      - id: reserved
        size: 4
