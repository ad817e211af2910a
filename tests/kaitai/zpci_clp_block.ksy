# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
#
# Written from the facts in Linux and QEMU, and not from the structures of this project, which are compared with it.
meta:
  id: zpci_clp_block
  title: CLP block of IBM Z, a request and its response
  license: MIT OR Apache-2.0 OR GPL-2.0-only
  endian: be
  bit-endian: be
doc: |
  CLP (call logical processor) lists, queries and enables PCI functions of s390x. Request and response lie in one page, the
  response directly behind the request. Fields of a response are there if the command was carried out (0x0010) and as far as
  the room for it reaches.
doc-ref:
  - Linux, arch/s390/include/asm/clp.h and arch/s390/include/asm/pci_clp.h
  - QEMU, include/hw/s390x/s390-pci-clp.h
instances:
  request_len:
    pos: 0
    type: u2
  cmd:
    pos: 2
    type: u2
    enum: command
  room:
    pos: request_len
    type: u2
  rsp:
    pos: request_len + 2
    type: u2
  answered:
    value: 'rsp == 0x10 ? cmd.to_i : 0'
    doc: The command, if it was carried out.
seq:
  - id: request
    size: request_len
    type:
      switch-on: cmd
      cases:
        'command::slpc': slpc_request
        'command::list_pci': list_pci_request
        'command::query_pci_fn': query_pci_fn_request
        'command::query_pci_fngrp': query_pci_fngrp_request
        'command::set_pci_fn': set_pci_fn_request
        _: request_header
  - id: response
    size: room
    type:
      switch-on: answered
      cases:
        1: slpc_response
        2: list_pci_response
        3: query_pci_fn_response
        4: query_pci_fngrp_response
        5: set_pci_fn_response
        _: response_header
enums:
  command:
    0x0001: slpc
    0x0002: list_pci
    0x0003: query_pci_fn
    0x0004: query_pci_fngrp
    0x0005: set_pci_fn
types:
  request_header:
    seq:
      - id: len
        type: u2
        doc: Length of the request, header included.
      - id: cmd
        type: u2
      - id: fmt_word
        type: fmt_word
      - id: reserved_8
        size: 8
  response_header:
    seq:
      - id: len
        type: u2
        doc: Before, the room for the response; afterwards the bytes stored, of LIST PCI for certain.
      - id: rsp
        type: u2
      - id: fmt_word
        type: fmt_word
      - id: reserved_8
        size: 8
  fmt_word:
    seq:
      - id: fmt
        type: b4
      - id: reserved
        type: b28
  list_pci_request:
    seq:
      - id: hdr
        type: request_header
      - id: resume_token
        type: u8
        if: not _io.eof
      - id: reserved_24
        size: 8
        if: not _io.eof
  list_pci_response:
    seq:
      - id: hdr
        type: response_header
      - id: resume_token
        type: u8
      - id: mdd
        type: u4
        doc: Reserved in Linux.
      - id: max_fn
        type: u2
      - id: flags
        type: list_pci_flags
      - id: entry_size
        type: u1
      - id: entries
        type: fh_list_entry
        size: entry_size
        repeat: expr
        repeat-expr: (_io.size - 32) / entry_size
  list_pci_flags:
    seq:
      - id: reserved
        type: b7
      - id: uid_checking
        type: b1
  fh_list_entry:
    seq:
      - id: device_id
        type: u2
      - id: vendor_id
        type: u2
      - id: config_state
        type: config_state
      - id: fid
        type: u4
      - id: fh
        type: u4
  config_state:
    seq:
      - id: config_state
        type: b1
      - id: reserved
        type: b31
  query_pci_fn_request:
    seq:
      - id: hdr
        type: request_header
      - id: fh
        type: u4
      - id: reserved_20
        size: 4
      - id: reserved_24
        size: 8
  query_pci_fn_response:
    seq:
      - id: hdr
        type: response_header
      - id: vfn
        type: u2
      - id: flags
        type: query_pci_fn_flags
      - id: pfgid
        type: u1
      - id: fid
        type: u4
      - id: bar_size
        type: u1
        repeat: expr
        repeat-expr: 6
        doc: Size of each BAR as a power of two.
      - id: pchid
        type: u2
      - id: bar
        type: u4le
        repeat: expr
        repeat-expr: 6
      - id: pfip
        size: 4
      - id: fidparm
        type: u1
      - id: port_byte
        type: port_byte
      - id: fmb_len
        type: u1
        doc: In units of four bytes.
      - id: pft
        type: u1
      - id: sdma
        type: u8
        if: not _io.eof
      - id: edma
        type: u8
        if: not _io.eof
      - id: rid
        type: u2
        if: not _io.eof
      - id: reserved_82
        size: 4
        if: not _io.eof
      - id: tid
        type: u2
        if: not _io.eof
      - id: reserved_88
        size: 36
        if: not _io.eof
      - id: uid
        type: u4
        if: not _io.eof
      - id: util_str
        size: 64
        if: not _io.eof
      - id: reserved_192
        size: 64
        if: not _io.eof
      - id: mio
        type: mio_info
        if: not _io.eof
  query_pci_fn_flags:
    seq:
      - id: unused
        type: b2
      - id: tid_avail
        type: b1
      - id: rid_avail
        type: b1
      - id: is_physfn
        type: b1
      - id: reserved1
        type: b1
      - id: mio_addr_avail
        type: b1
      - id: util_str_avail
        type: b1
  port_byte:
    seq:
      - id: reserved
        type: b4
      - id: port
        type: b4
  mio_info:
    doc: The room of a response may end within it.
    seq:
      - id: valid
        type: mio_valid
      - id: reserved_1
        size: 7
        if: _io.size - _io.pos >= 7
      - id: addr
        type: mio_addr
        if: not _io.eof
        repeat: until
        repeat-until: addr.size == 6 or _io.eof
      - id: reserved_104
        size: 24
        if: _io.size - _io.pos >= 24
  mio_valid:
    seq:
      - id: bars
        type: b6
        doc: BAR 0 is the most significant.
      - id: unused
        type: b2
  mio_addr:
    seq:
      - id: wb
        type: u8
      - id: wt
        type: u8
        if: _io.size - _io.pos >= 8
  query_pci_fngrp_request:
    seq:
      - id: hdr
        type: request_header
      - id: reserved_16
        size: 3
      - id: pfgid
        type: u1
      - id: reserved_20
        size: 4
      - id: reserved_24
        size: 8
  query_pci_fngrp_response:
    seq:
      - id: hdr
        type: response_header
      - id: noi_word
        type: noi_word
      - id: version
        type: u1
      - id: flags
        type: query_pci_fngrp_flags
      - id: maxstbl_word
        type: maxstbl_word
      - id: mui
        type: u2
      - id: dtsm
        type: u1
      - id: reserved_25
        size: 1
      - id: maxfaal
        type: u2
      - id: dnoi_word
        type: noi_word
      - id: maxcpu
        type: u2
      - id: dasm
        type: u8
      - id: msia
        type: u8
      - id: reserved_48
        size: 16
  query_pci_fngrp_flags:
    seq:
      - id: unused
        type: b2
      - id: rtr
        type: b1
      - id: unused_3
        type: b3
      - id: frame
        type: b1
      - id: refresh
        type: b1
  noi_word:
    seq:
      - id: unused
        type: b4
      - id: noi
        type: b12
  maxstbl_word:
    seq:
      - id: unused
        type: b3
      - id: maxstbl
        type: b13
  set_pci_fn_request:
    seq:
      - id: hdr
        type: request_header
      - id: fh
        type: u4
      - id: reserved_20
        size: 2
      - id: oc
        type: u1
        enum: operation
      - id: ndas
        type: u1
      - id: reserved_24
        size: 4
      - id: gisa
        type: u4
    enums:
      operation:
        0: enable
        1: disable
        2: enable_mio
        3: disable_mio
  set_pci_fn_response:
    seq:
      - id: hdr
        type: response_header
      - id: fh
        type: u4
      - id: reserved_20
        size: 4
      - id: reserved_24
        size: 8
      - id: mio
        type: mio_info
        if: not _io.eof
  slpc_request:
    seq:
      - id: hdr
        type: request_header
  slpc_response:
    seq:
      - id: hdr
        type: response_header
      - id: reserved_16
        size: 16
      - id: lpif
        type: u4
        repeat: expr
        repeat-expr: 8
      - id: reserved_64
        size: 16
      - id: vwb_byte
        type: vwb_byte
      - id: reserved_81
        size: 15
      - id: lpic
        type: u4
        repeat: expr
        repeat-expr: 8
  vwb_byte:
    seq:
      - id: vwb
        type: b1
      - id: reserved
        type: b1
      - id: mio_wb
        type: b6
