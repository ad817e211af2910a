# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_error_event
  title: Error event of a PCI function of IBM Z (CCDF)
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
  bit-endian: be
doc: Why a function is in its error state, as the channel subsystem tells it.
doc-ref:
  - Linux, arch/s390/pci/pci_event.c
seq:
  - id: reserved_0
    size: 4
  - id: fh
    type: u4
  - id: fid
    type: u4
  - id: access
    type: access
  - id: faddr
    type: u8
  - id: reserved_24
    size: 4
  - id: reserved_28
    size: 2
  - id: pec
    type: u2
types:
  access:
    seq:
      - id: ett
        type: b4
      - id: mvn
        type: b12
      - id: dmaas
        type: b8
      - id: unused
        type: b6
      - id: q
        type: b1
      - id: rw
        type: b1
