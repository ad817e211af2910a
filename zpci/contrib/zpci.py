# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

"""Functions, IOMMU domains and DMA tables of PCI in a dump of Linux on s390x, by drgn.

    drgn -c DUMP -s VMLINUX zpci.py list
    drgn -c DUMP -s VMLINUX zpci.py domains
    drgn -c DUMP -s VMLINUX zpci.py iota FID
    drgn -c DUMP -s VMLINUX zpci.py walk FID IOVA...
    drgn -c DUMP -s VMLINUX zpci.py map FID

Numbers are hexadecimal. A dump of QEMU's dump-guest-memory, as virsh dump --memory-only writes it, has no VMCOREINFO, by
which drgn knows a kernel. It is in storage, and this finds it there, without drgn:

    python3 zpci.py vmcoreinfo DUMP > VMCOREINFO
    drgn -c DUMP --vmcoreinfo VMCOREINFO -s VMLINUX zpci.py list

Outputs of walk and map are those of the command zpci, which takes what iota prints. Works with Linux's own driver and with
zPCI in Rust. As a module it has prepare(), functions(),
function(), domain(), root(), walk() and dma_map().
"""

import argparse
import json
import struct
import sys
from collections import namedtuple

# Tables by the type in their entries (TT): name, and the designation type by which an anchor names one as root.
REGION_FIRST, REGION_SECOND, REGION_THIRD, SEGMENT, PAGE = 3, 2, 1, 0, None
NAMES = {
    REGION_FIRST: "region-first",
    REGION_SECOND: "region-second",
    REGION_THIRD: "region-third",
    SEGMENT: "segment",
    PAGE: "page",
}
BELOW = {REGION_FIRST: REGION_SECOND, REGION_SECOND: REGION_THIRD, REGION_THIRD: SEGMENT, SEGMENT: PAGE}
# The lowest bit of an address that chooses the entry, and the number of entries.
SHIFTS = {REGION_FIRST: 53, REGION_SECOND: 42, REGION_THIRD: 31, SEGMENT: 20, PAGE: 12}
ENTRIES = {REGION_FIRST: 2048, REGION_SECOND: 2048, REGION_THIRD: 2048, SEGMENT: 2048, PAGE: 256}

INVALID, PAGE_INVALID, PROTECTED, FRAME_MAPPED = 0x20, 0x400, 0x200, 0x400
TRANSLATION = 0x800
LAST_ADDRESS = (1 << 64) - 1

# Codes of the error event that a function would report.
EVENTS = {0x8: "invalid table length or offset", 0x9: "invalid table type", 0xB: "serious error"}

# include/linux/iommu.h; the names are those of sysfs.
DOMAIN_TYPES = {0: "blocked", 4: "identity", 1: "unmanaged", 3: "DMA", 11: "DMA-FQ"}
STATES = {0: "standby", 1: "configured", 2: "reserved"}

Domain = namedtuple("Domain", "object type driver first last")
Domain.__doc__ = "An IOMMU domain: struct iommu_domain *, its type, whose it is, and its geometry, both ends inclusive."

Root = namedtuple("Root", "origin table_type")
Root.__doc__ = "Absolute address of a root, and its type."

Step = namedtuple("Step", "table_type origin index entry")
Step.__doc__ = "An entry on the way of an address; None if the dump has no storage there."

Found = namedtuple("Found", "iova steps absolute protected error")
Found.__doc__ = "Where an address leads; absolute is None if nothing is mapped, error a tuple (entry, code) or None."

Range = namedtuple("Range", "first last absolute protected error count")
Range.__doc__ = "Addresses with one answer, inclusive: mapped from absolute on, or count entries that are wrong."


class Problem(Exception):
    """What there is to say instead of an answer."""


def prepare(prog):
    """Lets drgn read the storage of a dump of QEMU's.

    Its one segment starts at absolute address 0, which drgn 0.3.0 takes for a file without physical addresses.
    """
    from drgn import FaultError

    path = getattr(prog, "core_dump_path", None)
    try:
        prog.read(0, 8, True)
    except FaultError:
        if path is None:
            raise
        file = open(path, "rb")
        for kind, _, offset, _, start, size, _, _ in program_headers(file):
            if kind == PT_LOAD and size:
                prog.add_memory_segment(start, size, _reader(file, offset), True)


def _reader(file, start):
    def read(address, count, offset, physical):
        file.seek(start + offset)
        return file.read(count)

    return read


# Functions and domains


def functions(prog):
    """Every struct zpci_dev * that the kernel knows, by FID."""
    from drgn.helpers.linux.list import list_for_each_entry

    try:
        head = prog.variable("zpci_list", "arch/s390/pci/pci.c")
    except LookupError as error:
        raise Problem("%s; is it Linux on s390x with PCI, and -s its vmlinux with debug information?" % error)
    found = list_for_each_entry("struct zpci_dev", head.address_of_(), "entry")
    return sorted(found, key=lambda zdev: zdev.fid.value_())


def function(prog, fid):
    """The struct zpci_dev * of the function with this identifier."""
    for zdev in functions(prog):
        if zdev.fid.value_() == fid:
            return zdev
    raise Problem("there is no function with FID %#x; list has those that there are" % fid)


def pci_address(zdev):
    """The address that lspci shows, or a dash for a function that is on no bus."""
    if not zdev.zbus:
        return "-"
    devfn = zdev.devfn.value_()
    return "%04x:00:%02x.%x" % (zdev.zbus.domain_nr.value_(), devfn >> 3 & 0x1F, devfn & 7)


def state(zdev):
    """What the kernel takes the function for."""
    if zdev.fh.value_() & 0x8000_0000:
        return "enabled"
    return STATES.get(zdev.state.value_(), "state %d" % zdev.state.value_())


def domain(zdev):
    """The domain that the function is attached to, or None."""
    pointer = zdev.s390_domain
    if not pointer:
        return None
    # Earlier kernels have a struct s390_domain * here, which starts with it.
    if pointer.type_.type.tag != "iommu_domain":
        pointer = pointer.domain.address_of_()
    kind = pointer.type.value_()
    driver = "stock" if _has_type(zdev.prog_, "struct s390_domain") else "rust"
    geometry = pointer.geometry
    first, last = geometry.aperture_start.value_(), geometry.aperture_end.value_()
    return Domain(pointer, DOMAIN_TYPES.get(kind, "type %#x" % kind), driver, first, last)


def root(zdev):
    """The root of the function's tables, or None if it has none."""
    from drgn.helpers.linux.mm import virt_to_phys

    if not zdev.dma_table:
        return None
    origin = virt_to_phys(zdev.dma_table).value_()
    return Root(origin, _root_type(zdev, origin))


def iota(zdev):
    """The anchor with which the function's tables are registered, 0 if it has none."""
    found = root(zdev)
    return 0 if found is None else found.origin | TRANSLATION | found.table_type << 2


def _has_type(prog, name):
    try:
        prog.type(name)
    except LookupError:
        return False
    return True


def _root_type(zdev, origin):
    """The driver's own note where it keeps one; otherwise what the first valid entry says, which has the type of its table."""
    from drgn import container_of

    attached = domain(zdev)
    if attached is not None and attached.driver == "stock" and attached.type not in ("blocked", "identity"):
        stock = container_of(attached.object, "struct s390_domain", "domain")
        try:
            return stock.origin_type.value_() >> 2 & 3
        except AttributeError:
            return REGION_THIRD  # Linux 6.12 has no other
    for entry in Storage(zdev.prog_).table(origin, 2048):
        if entry is not None and not entry & INVALID and entry >> 2 & 3:
            return entry >> 2 & 3
    # Nothing is mapped, whatever it is.
    return REGION_THIRD


# Tables


class Storage:
    """Storage of the machine by absolute address, read by entries."""

    def __init__(self, prog):
        from drgn import FaultError

        self._prog = prog
        self._fault = FaultError

    def read(self, address, size):
        """Bytes, or None if the dump does not have them."""
        try:
            return self._prog.read(address & LAST_ADDRESS, size, True)
        except (self._fault, OverflowError):
            return None

    def entry(self, address):
        """An entry, or None."""
        data = self.read(address, 8)
        return None if data is None else struct.unpack(">Q", data)[0]

    def table(self, origin, count):
        """The entries of a table, None for those that the dump does not have."""
        data = self.read(origin, 8 * count)
        if data is not None:
            return struct.unpack(">%dQ" % count, data)
        return tuple(self.entry(origin + 8 * index) for index in range(count))


def _next(table_type, entry):
    """What an entry of a table leads to: ("hole",), ("error", code), ("table", origin) or ("frame", address)."""
    if entry is None:
        return ("error", 0xB)
    if table_type is PAGE:
        return ("hole",) if entry & PAGE_INVALID else ("frame", entry & ~0xFFF)
    if entry & INVALID:
        return ("hole",)
    if table_type == SEGMENT:
        if entry & 0xC:
            return ("error", 0x9)
        return ("frame", entry & ~0xFFFFF) if entry & FRAME_MAPPED else ("table", entry & ~0x7FF)
    if entry & 3 != 3 or entry & 0xC0:
        return ("error", 0x8)
    if entry >> 2 & 3 != table_type:
        return ("error", 0x9)
    return ("table", entry & ~0x3FFF)


def _span(table_type):
    """Bytes that a whole table translates."""
    return ENTRIES[table_type] << SHIFTS[table_type]


def walk(storage, start, iova):
    """Follows an address through the tables below the Root start."""
    table_type, origin, protected, steps = start.table_type, start.origin, False, []
    if iova >= _span(table_type):
        return Found(iova, steps, None, False, None)
    while True:
        index = iova >> SHIFTS[table_type] & ENTRIES[table_type] - 1
        entry = storage.entry(origin + 8 * index)
        steps.append(Step(table_type, origin, index, entry))
        found = _next(table_type, entry)
        protected = protected or entry is not None and bool(entry & PROTECTED)
        if found[0] == "hole":
            return Found(iova, steps, None, False, None)
        if found[0] == "error":
            return Found(iova, steps, None, False, (origin + 8 * index, found[1]))
        if found[0] == "frame":
            absolute = found[1] | iova & (1 << SHIFTS[table_type]) - 1
            return Found(iova, steps, absolute, protected, None)
        origin, table_type = found[1], BELOW[table_type]


def dma_map(storage, start):
    """Every Range below the Root start that is mapped or wrong, in ascending order; neighbours are one."""
    pending = None
    for found in _ranges(storage, start.table_type, start.origin, 0, False):
        joined = None if pending is None else _joined(pending, found)
        if pending is not None and joined is None:
            yield pending
        pending = joined or found
    if pending is not None:
        yield pending


def _ranges(storage, table_type, origin, first, protected):
    size = 1 << SHIFTS[table_type]
    for index, entry in enumerate(storage.table(origin, ENTRIES[table_type])):
        found = _next(table_type, entry)
        iova = first + index * size
        if found[0] == "error":
            yield Range(iova, iova + size - 1, None, False, (origin + 8 * index, found[1]), 1)
        elif found[0] == "frame":
            yield Range(iova, iova + size - 1, found[1], protected or bool(entry & PROTECTED), None, 0)
        elif found[0] == "table":
            below = _ranges(storage, BELOW[table_type], found[1], iova, protected or bool(entry & PROTECTED))
            for one in below:
                yield one


def _joined(one, other):
    if one.last + 1 != other.first or (one.error is None) != (other.error is None):
        return None
    if one.error is None:
        goes_on = one.absolute + one.last - one.first + 1 == other.absolute and one.protected == other.protected
        return one._replace(last=other.last) if goes_on else None
    goes_on = one.error[0] + 8 * one.count == other.error[0] and one.error[1] == other.error[1]
    return one._replace(last=other.last, count=one.count + 1) if goes_on else None


# Outputs, which are those of the command zpci


def _protection(protected):
    return "read-only" if protected else "read-write"


def _error(error):
    return "table entry at %#x: event %#x (%s)" % (error[0], error[1], EVENTS[error[1]])


def _size(count):
    for power in range(60, 0, -10):
        if count >= 1 << power and count % (1 << power) == 0:
            return "%d %s" % (count >> power, "KMGTPE"[power // 10 - 1] + "iB")
    return "%d bytes" % count


def _step_text(step):
    found = _next(step.table_type, step.entry)
    if step.entry is None:
        return "the dump has no storage there"
    if step.entry & (PAGE_INVALID if step.table_type is PAGE else INVALID):
        return "invalid"
    below = ", read-only below" if step.entry & PROTECTED else ""
    if step.table_type is PAGE:
        return "frame %#x, %s" % (found[1], _protection(step.entry & PROTECTED))
    if step.table_type == SEGMENT and step.entry & FRAME_MAPPED:
        return "frame of 1 MiB %#x, %s" % (step.entry & ~0xFFFFF, _protection(step.entry & PROTECTED))
    mask = 0x7FF if step.table_type == SEGMENT else 0x3FFF
    return "%s table %#x%s" % (NAMES[BELOW[step.table_type]], step.entry & ~mask, below)


def walk_text(found, start):
    """The way of an address, as zpci walk prints it."""
    lines = []
    for step in found.steps:
        entry = "-" * 18 if step.entry is None else "0x%016x" % step.entry
        index = "[0x%03x]" % step.index
        lines.append(" %-13s %#x %s %s  %s" % (NAMES[step.table_type], step.origin, index, entry, _step_text(step)))
    if found.error is not None:
        end = "error: %s" % _error(found.error)
    elif found.absolute is not None:
        lines.append(" %#x -> %#x %s" % (found.iova, found.absolute, _protection(found.protected)))
        return "\n".join(lines) + "\n"
    elif found.iova >= _span(start.table_type):
        end = "beyond what a %s table translates" % NAMES[start.table_type]
    else:
        end = "not mapped"
    lines.append(" %#x -> %s" % (found.iova, end))
    return "\n".join(lines) + "\n"


def walk_json(found):
    """The same in the schema zpci-walk/1."""
    steps = [
        {
            "table": NAMES[step.table_type],
            "origin": hex(step.origin),
            "index": step.index,
            "entry": None if step.entry is None else hex(step.entry),
            "text": _step_text(step),
        }
        for step in found.steps
    ]
    return {
        "iova": hex(found.iova),
        "in_aperture": True,
        "steps": steps,
        "absolute": None if found.absolute is None else hex(found.absolute),
        "protection": None if found.absolute is None else _protection(found.protected),
        "error": None if found.error is None else _error(found.error),
    }


def range_text(one):
    """A line of zpci walk --map."""
    if one.error is None:
        text = " 0x%x..=0x%x  ->  %#x  %s  %s"
        return text % (one.first, one.last, one.absolute, _protection(one.protected), _size(one.last - one.first + 1))
    more = ", and %d entries behind it" % (one.count - 1) if one.count > 1 else ""
    return "!0x%x..=0x%x  ->  %s%s" % (one.first, one.last, _error(one.error), more)


def table(rows):
    """Rows of texts as lines in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def show_list(prog):
    rows = [("ADDRESS", "FID", "UID", "PCHID", "VFN", "PFT", "GROUP", "STATE", "HANDLE", "DOMAIN", "IOTA")]
    for zdev in functions(prog):
        attached = domain(zdev)
        rows.append(
            (
                pci_address(zdev),
                "0x%08x" % zdev.fid.value_(),
                "0x%04x" % zdev.uid.value_(),
                "0x%04x" % zdev.pchid.value_(),
                "%d" % zdev.vfn.value_(),
                "0x%02x" % zdev.pft.value_(),
                "0x%02x" % zdev.pfgid.value_(),
                state(zdev),
                "0x%08x" % zdev.fh.value_(),
                "-" if attached is None else attached.type,
                "%#x" % iota(zdev) if zdev.dma_table else "-",
            )
        )
    print("\n".join(table(rows)))


def show_domains(prog):
    found = {}
    for zdev in functions(prog):
        attached = domain(zdev)
        if attached is not None:
            found.setdefault(attached.object.value_(), (attached, []))[1].append(zdev)
    rows = [("DOMAIN", "TYPE", "DRIVER", "GEOMETRY", "ROOT", "FUNCTIONS")]
    for address, (attached, users) in sorted(found.items()):
        start = root(users[0])
        rows.append(
            (
                "%#x" % address,
                attached.type,
                attached.driver,
                "-" if start is None else "0x%x..=0x%x" % (attached.first, attached.last),
                "-" if start is None else "%s %#x" % (NAMES[start.table_type], start.origin),
                " ".join("0x%08x" % zdev.fid.value_() for zdev in users),
            )
        )
    print("\n".join(table(rows)))


def _start(prog, fid):
    start = root(function(prog, fid))
    if start is None:
        raise Problem("the function with FID %#x has no tables; domains says why" % fid)
    return start


def show_walk(prog, fid, addresses, as_json):
    start, storage = _start(prog, fid), Storage(prog)
    found = [walk(storage, start, iova) for iova in addresses]
    if as_json:
        anchor = hex(start.origin | TRANSLATION | start.table_type << 2)
        print(json.dumps({"schema": "zpci-walk/1", "iota": anchor, "addresses": [walk_json(one) for one in found]}))
    else:
        print("\n".join(walk_text(one, start) for one in found), end="")
    return all(one.absolute is not None for one in found)


def show_map(prog, fid):
    start, storage = _start(prog, fid), Storage(prog)
    ranges, mapped, wrong = 0, 0, 0
    for one in dma_map(storage, start):
        print(range_text(one))
        if one.error is None:
            ranges, mapped = ranges + 1, mapped + one.last - one.first + 1
        else:
            wrong += 1
    errors = ", %d wrong" % wrong if wrong else ""
    print("%d range%s, %s mapped%s" % (ranges, "" if ranges == 1 else "s", _size(mapped), errors))
    return not wrong


# VMCOREINFO


PT_LOAD, PT_NOTE = 1, 4


def program_headers(file):
    """The program headers of an ELF core file of s390x: type, flags, offset, vaddr, paddr, filesz, memsz, align."""
    file.seek(0)
    head = file.read(64)
    if head[:6] != b"\x7fELF\x02\x02" or head[16:20] != b"\x00\x04\x00\x16":
        raise Problem("this is no ELF core of s390x")
    offset, count = struct.unpack(">Q", head[32:40])[0], struct.unpack(">H", head[56:58])[0]
    file.seek(offset)
    return [struct.unpack(">IIQQQQQQ", file.read(56)) for _ in range(count)]


def vmcoreinfo(file):
    """The text of VMCOREINFO in the ELF core file: of its note, or of storage.

    Linux has the address of the note in its lowcore, at 0xe0c (struct lowcore, arch/s390/include/asm/lowcore.h).
    """
    headers = program_headers(file)
    for kind, _, offset, _, _, size, _, _ in headers:
        if kind == PT_NOTE:
            file.seek(offset)
            text = _vmcoreinfo_note(file.read(size))
            if text is not None:
                return text

    def read(address, size):
        for kind, _, offset, _, start, length, _, _ in headers:
            if kind == PT_LOAD and start <= address and address + size <= start + length:
                file.seek(offset + address - start)
                return file.read(size)
        raise Problem("the dump has no storage at %#x, where VMCOREINFO should be" % address)

    address = struct.unpack(">Q", read(0xE0C, 8))[0]
    if not address:
        raise Problem("the kernel has no VMCOREINFO (CONFIG_VMCORE_INFO), or this is no dump of Linux")
    name, size = struct.unpack(">II", read(address, 8))
    text = None
    if size <= 1 << 16:
        text = _vmcoreinfo_note(read(address, 12 + (name + 3 & ~3) + size))
    if text is None:
        raise Problem("what lowcore points to is no VMCOREINFO")
    return text


def _vmcoreinfo_note(data):
    while len(data) >= 12:
        name, size = struct.unpack(">II", data[:8])
        start = 12 + (name + 3 & ~3)
        if data[12 : 12 + name] == b"VMCOREINFO\0":
            return data[start : start + size]
        data = data[start + (size + 3 & ~3) :]
    return None


def hexadecimal(text):
    return int(text, 16)


def arguments():
    parser = argparse.ArgumentParser(prog="zpci.py", description="zPCI in a dump of Linux on s390x; run by drgn.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list functions")
    commands.add_parser("domains", help="list the IOMMU domains that functions are attached to")
    one = commands.add_parser("iota", help="print the anchor of a function's tables")
    one.add_argument("fid", metavar="FID", type=hexadecimal)
    one = commands.add_parser("walk", help="follow DMA addresses of a function through its tables")
    one.add_argument("fid", metavar="FID", type=hexadecimal)
    one.add_argument("addresses", metavar="IOVA", type=hexadecimal, nargs="+")
    one.add_argument("-j", "--json", action="store_true", help="write JSON, of the schema zpci-walk/1")
    one = commands.add_parser("map", help="show everything that is mapped for a function")
    one.add_argument("fid", metavar="FID", type=hexadecimal)
    one = commands.add_parser("vmcoreinfo", help="write VMCOREINFO of an ELF core; runs without drgn")
    one.add_argument("dump", metavar="DUMP")
    return parser.parse_args()


def main():
    options = arguments()
    if options.command == "vmcoreinfo":
        with open(options.dump, "rb") as file:
            sys.stdout.buffer.write(vmcoreinfo(file))
        return 0
    try:
        from drgn import get_default_prog

        prog = get_default_prog()
    except ImportError:
        raise Problem("this is run by drgn: drgn -c DUMP -s VMLINUX zpci.py %s" % options.command)
    prepare(prog)
    is_good = True
    if options.command == "list":
        show_list(prog)
    elif options.command == "domains":
        show_domains(prog)
    elif options.command == "iota":
        start = _start(prog, options.fid)
        print("%#x" % (start.origin | TRANSLATION | start.table_type << 2))
    elif options.command == "walk":
        is_good = show_walk(prog, options.fid, options.addresses, options.json)
    else:
        is_good = show_map(prog, options.fid)
    return 0 if is_good else 1


if __name__ == "__main__":
    try:
        CODE = main()
    except (Problem, OSError) as problem:
        print("error: %s" % problem, file=sys.stderr)
        CODE = 2
    sys.exit(CODE)
