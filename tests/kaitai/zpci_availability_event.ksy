# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_availability_event
  title: Availability event of a PCI function of IBM Z (CCDF)
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
doc: A function comes, goes, or is wanted back.
doc-ref:
  - Linux, arch/s390/pci/pci_event.c
seq:
  - id: reserved_0
    size: 4
  - id: fh
    type: u4
  - id: fid
    type: u4
  - id: reserved_12
    size: 18
  - id: pec
    type: u2
