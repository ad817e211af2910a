# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

"""Compares the walks of zpci/contrib/zpci.py with those of the command zpci, without drgn: compare.py ZPCI DUMP IOTA.

In the dump given, and in dumps with random tables of every root in which some entries are wrong. What is read of a kernel's own
structures is not tried here; cargo xtask dump does that.
"""

import importlib.util
import os
import random
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location("zpci", os.path.join(HERE, "../../zpci/contrib/zpci.py"))
zpci = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(zpci)

BASE = 0x100000


class File(zpci.Storage):
    """Storage of an ELF core, read as drgn would."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self._pieces = []
            for kind, _, offset, _, start, size, _, _ in zpci.program_headers(file):
                if kind == zpci.PT_LOAD:
                    file.seek(offset)
                    self._pieces.append((start, file.read(size)))

    def read(self, address, size):
        for start, data in self._pieces:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        return None


class Tables:
    """Storage with random tables in it: for each an array of entries."""

    def __init__(self, kind, seed):
        self.random = random.Random(seed)
        self.kind = kind
        self.data = bytearray()
        self.mapped = []
        self.root = self.table(kind, 0)

    def reserve(self, size):
        self.data.extend(bytes(-len(self.data) % size))
        origin = BASE + len(self.data)
        self.data.extend(bytes(size))
        return origin

    def table(self, kind, first):
        count = zpci.ENTRIES[kind]
        origin = self.reserve(8 * count)
        empty = zpci.PAGE_INVALID if kind is zpci.PAGE else zpci.INVALID
        entries = [empty] * count
        runs = 4 if kind is zpci.PAGE else 2
        for _ in range(runs):
            start = self.random.randrange(count)
            for index in range(start, min(count, start + self.random.choice([1, 1, 3, 40] if kind is zpci.PAGE else [1]))):
                iova = first + (index << zpci.SHIFTS[kind])
                self.mapped.append(iova)
                entries[index] = self.entry(kind, iova, index)
        # Some of what a machine would refuse, on its own and in a row.
        wrong = [0x3, 0x20003, 0xC | 0x20003, 0x4, 0x400, 0, 0x123456789ABCDEF0, 0x7777000000000007]
        for index in self.random.sample(range(count), 3):
            entries[index] = self.random.choice(wrong)
            self.mapped.append(first + (index << zpci.SHIFTS[kind]))
        valid = [index for index in range(count) if entries[index] != empty]
        for index in self.random.sample(valid, 1 + self.random.randrange(2)):
            entries[index] ^= 1 << self.random.choice([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 19])
        data = struct.pack(">%dQ" % count, *entries)
        self.data[origin - BASE : origin - BASE + len(data)] = data
        return origin

    def entry(self, kind, iova, index):
        protected = self.random.choice([0, 0, zpci.PROTECTED])
        if kind is zpci.PAGE:
            return 0x40000000 + (index << 12) | protected
        if kind == zpci.SEGMENT and self.random.randrange(4) == 0:
            return 0x80000000 + (index << 20) | zpci.FRAME_MAPPED | protected
        below = self.table(zpci.BELOW[kind], iova)
        return below | protected | (0 if kind == zpci.SEGMENT else kind << 2 | 3)

    def elf(self):
        half = len(self.data) // 2 & ~7
        pieces = [(BASE, self.data[:half]), (BASE + half, self.data[half:])]
        return elf(pieces, b"")


def elf(pieces, note):
    headers, offset, data = b"", 64 + 56 * (len(pieces) + 1), b""
    headers += struct.pack(">IIQQQQQQ", 4, 0, offset, 0, 0, len(note), len(note), 0)
    data += note
    for start, piece in pieces:
        headers += struct.pack(">IIQQQQQQ", 1, 7, offset + len(data), 0, start, len(piece), len(piece), 0)
        data += piece
    ident = b"\x7fELF\x02\x02\x01" + bytes(9)
    rest = struct.pack(">HHIQQQIHHHHHH", 4, 22, 1, 0, 64, 0, 0, 64, 56, len(pieces) + 1, 64, 0, 0)
    return ident + rest + headers + data


def run(program, *arguments):
    done = subprocess.run([program, "walk"] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.stderr or done.returncode not in (0, 1):
        sys.exit("zpci says: %s" % done.stderr.decode())
    return done.stdout.decode()


def compare(program, path, iota, addresses):
    """Every range, and each address."""
    storage, start = File(path), zpci.Root(iota & ~0xFFF, iota >> 2 & 7)
    ours = [zpci.range_text(one) for one in zpci.dma_map(storage, start)]
    theirs = run(program, path, "--iota", hex(iota), "--map").splitlines()[:-1]
    if ours != theirs:
        different = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
        sys.exit("%s: the maps differ: %r" % (path, different[:1] or (len(ours), len(theirs))))
    if addresses:
        ours = "\n".join(zpci.walk_text(zpci.walk(storage, start, iova), start) for iova in addresses)
        theirs = run(program, path, "--iota", hex(iota), *map(hex, addresses))
        if ours != theirs:
            different = [pair for pair in zip(ours.splitlines(), theirs.splitlines()) if pair[0] != pair[1]]
            sys.exit("%s: the walks differ: %r" % (path, different[:1]))
    return len(theirs), len(addresses)


def note(text):
    return struct.pack(">III", 11, len(text), 0) + b"VMCOREINFO\0\0" + text + bytes(-len(text) % 4)


def vmcoreinfo(data):
    with tempfile.TemporaryFile() as file:
        file.write(data)
        try:
            return zpci.vmcoreinfo(file)
        except zpci.Problem as problem:
            return str(problem)


def check_vmcoreinfo():
    """From a note, from storage, and what is said where it is in neither."""
    text = b"OSRELEASE=7.2.12\nPAGESIZE=4096\n"
    lowcore = bytearray(0x2000)
    struct.pack_into(">Q", lowcore, 0xE0C, 0x1004)
    lowcore[0x1004 : 0x1004 + len(note(text))] = note(text)
    other = struct.pack(">III", 5, 2, 1) + b"CORE\0\0\0\0" + bytes(4)
    expected = [
        (elf([(0, bytes(lowcore))], other), text),
        (elf([(0, bytes(0x1000))], other + note(text)), text),
        (elf([(0, bytes(0x2000))], other), "the kernel has no VMCOREINFO"),
        (elf([(0x10000, bytes(0x2000))], b""), "the dump has no storage at 0xe0c"),
        (elf([(0, bytes(lowcore[:0x1004]) + bytes(64))], b""), "what lowcore points to is no VMCOREINFO"),
        (b"KDUMP   " + bytes(100), "this is no ELF core of s390x"),
    ]
    for data, wanted in expected:
        found = vmcoreinfo(data)
        if found != wanted and not (isinstance(wanted, str) and isinstance(found, str) and found.startswith(wanted)):
            sys.exit("vmcoreinfo: %r instead of %r" % (found, wanted))
    return len(expected)


def main():
    program, dump, iota = sys.argv[1], sys.argv[2], int(sys.argv[3], 16)
    compare(program, dump, iota, [0x180123456, 0x180142000, 0x1802FFFFF, 0, 1 << 63])
    compared = followed = 0
    for seed in range(12):
        kind = [zpci.REGION_THIRD, zpci.REGION_SECOND, zpci.REGION_FIRST][seed % 3]
        tables = Tables(kind, seed)
        addresses = [iova + delta for iova in tables.mapped for delta in (-1, 0, 0xFFF, 0x12345) if 0 <= iova + delta < 1 << 64]
        addresses = tables.random.sample(addresses, min(len(addresses), 300))
        # The last address that the root translates, and the first that it does not.
        span = zpci.ENTRIES[kind] << zpci.SHIFTS[kind]
        addresses += [span - 1, span & zpci.LAST_ADDRESS]
        with tempfile.NamedTemporaryFile() as file:
            file.write(tables.elf())
            file.flush()
            compare(program, file.name, tables.root | 0x800 | kind << 2, addresses)
        compared, followed = compared + 1, followed + len(addresses)
    print("%d tables, %d addresses, %d forms of VMCOREINFO" % (compared, followed, check_vmcoreinfo()))


main()
