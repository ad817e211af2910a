# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_fmb
  title: Function measurement block of IBM Z
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
  bit-endian: be
doc: Counters that the machine updates while a function works.
doc-ref:
  - Linux, arch/s390/include/asm/pci.h, struct zpci_fmb
seq:
  - id: format
    type: u1
  - id: fmt_ind
    type: indicators
  - id: samples
    type: u4
  - id: last_update
    type: last_update
  - id: ld_ops
    type: u8
  - id: st_ops
    type: u8
  - id: stb_ops
    type: u8
  - id: rpcit_ops
    type: u8
  - id: transfers
    size: 32
    type:
      switch-on: format
      cases:
        0: dma
        1: packets
        2: work
        3: sent
        _: others
types:
  indicators:
    seq:
      - id: dma_counters_valid
        type: b1
      - id: unused
        type: b23
  last_update:
    seq:
      - id: time_high
        type: b31
        doc: In two parts, since no number of JavaScript has 63 bits of a bit field.
      - id: time_low
        type: b32
      - id: updating
        type: b1
  dma:
    doc: Valid if the indicator says so.
    seq:
      - id: dma_rbytes
        type: u8
      - id: dma_wbytes
        type: u8
      - id: unknown
        type: u8
        repeat: eos
  packets:
    seq:
      - id: rx_bytes
        type: u8
      - id: rx_packets
        type: u8
      - id: tx_bytes
        type: u8
      - id: tx_packets
        type: u8
  work:
    seq:
      - id: consumed_work_units
        type: u8
      - id: max_work_units
        type: u8
      - id: unknown
        type: u8
        repeat: eos
  sent:
    seq:
      - id: tx_bytes
        type: u8
      - id: unknown
        type: u8
        repeat: eos
  others:
    seq:
      - id: unknown
        type: u8
        repeat: eos
