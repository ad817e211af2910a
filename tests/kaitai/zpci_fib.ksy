# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_fib
  title: Function information block of IBM Z
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
  bit-endian: be
doc: |
  The operand of MODIFY PCI FUNCTION CONTROLS, and the result of STORE PCI FUNCTION CONTROLS.
doc-ref:
  - Linux, arch/s390/include/asm/pci_insn.h
seq:
  - id: fmt
    type: u1
  - id: reserved_1
    size: 7
  - id: fc
    type: fc
  - id: reserved_9
    size: 7
  - id: pba
    type: u8
  - id: pal
    type: u8
    doc: Inclusive.
  - id: iota
    type: iota
  - id: interrupts
    type: interrupts
  - id: fmb_addr
    type: u8
    doc: The low four bits are a storage key.
  - id: reserved_72
    size: 4
  - id: gd
    type: u4
types:
  fc:
    seq:
      - id: enabled
        type: b1
      - id: error
        type: b1
      - id: ls_blocked
        type: b1
      - id: dmaas_reg
        type: b1
      - id: unused
        type: b4
  iota:
    seq:
      - id: origin_high
        type: b20
        doc: In units of 4 KiB; in two parts, since no number of JavaScript has 52 bits of a bit field.
      - id: origin_low
        type: b32
      - id: t
        type: b1
      - id: unused
        type: b6
      - id: dt
        type: b3
      - id: fs
        type: b2
  interrupts:
    seq:
      - id: word
        type: interrupt_word
      - id: dibvo
        type: u2
        doc: In format 1; reserved otherwise.
      - id: reserved_46
        size: 2
      - id: aibv
        type: u8
      - id: aisb
        type: u8
  interrupt_word:
    seq:
      - id: unused
        type: b1
      - id: isc
        type: b3
      - id: noi
        type: b12
      - id: unused_16
        type: b2
      - id: aibvo
        type: b6
      - id: sum
        type: b1
      - id: unused_25
        type: b1
      - id: aisbo
        type: b6
