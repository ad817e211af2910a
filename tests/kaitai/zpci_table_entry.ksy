# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_table_entry
  title: Entries of the DMA translation tables of IBM Z
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
  bit-endian: be
doc: |
  Of which kind of table an entry is cannot always be told by the entry. Origins are in units of 2^14 bytes (region entry), 2^11
  bytes (segment entry) and 2^12 bytes (page entry), each in two parts, since no number of JavaScript has as many bits.
doc-ref:
  - Linux, arch/s390/include/asm/pci_dma.h
params:
  - id: kind
    type: u1
    doc: 0 page entry, 1 segment entry, 2 region entry.
seq:
  - id: entry
    type:
      switch-on: kind
      cases:
        0: page_entry
        1: segment_entry
        2: region_entry
types:
  region_entry:
    seq:
      - id: origin_high
        type: b18
      - id: origin_low
        type: b32
      - id: unused
        type: b4
      - id: protected
        type: b1
      - id: unused_55
        type: b1
      - id: table_offset
        type: b2
      - id: invalid
        type: b1
      - id: unused_59
        type: b1
      - id: table_type
        type: b2
      - id: table_length
        type: b2
  segment_entry:
    seq:
      - id: origin_high
        type: b21
      - id: origin_low
        type: b32
      - id: format_control
        type: b1
        doc: The entry maps a frame of 1 MiB, and the low nine bits of the origin are 0.
      - id: protected
        type: b1
      - id: unused_55
        type: b3
      - id: invalid
        type: b1
      - id: unused_59
        type: b1
      - id: table_type
        type: b2
      - id: unused_62
        type: b2
  page_entry:
    seq:
      - id: frame_high
        type: b20
      - id: frame_low
        type: b32
      - id: unused
        type: b1
      - id: invalid
        type: b1
      - id: protected
        type: b1
      - id: unused_55
        type: b9
