// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

// Compares the Kaitai Struct descriptions beside this file with what `zpci` makes of the same bytes: each field's place,
// bytes and name, over recorded blocks and over blocks in which each byte differs; and each bit's place and name.
//
// NODE_PATH=DIRECTORY/node_modules node compare.js ZPCI DIRECTORY...    with what package.json names in node_modules

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const vm = require('node:vm');
const compiler = require('kaitai-struct-compiler');
const KaitaiStream = require('kaitai-struct/KaitaiStream');
const yaml = require('yaml');

const [zpci, ...directories] = process.argv.slice(2);
const complaints = [];
let fields = 0;
let bits = 0;
const bitTypes = new Set();

// Which structures of `zpci fields` each type describes.
const STRUCTURES = {
  zpci_clp_block: {
    request_header: 'request-header',
    response_header: 'response-header',
    list_pci_request: 'list-pci-request',
    list_pci_response: 'list-pci-response',
    fh_list_entry: 'list-pci-entry',
    query_pci_fn_request: 'query-pci-fn-request',
    query_pci_fn_response: 'query-pci-fn-response',
    mio_info: 'mio-addresses',
    mio_addr: 'mio-addresses-of-a-bar',
    query_pci_fngrp_request: 'query-pci-fngrp-request',
    query_pci_fngrp_response: 'query-pci-fngrp-response',
    set_pci_fn_request: 'set-pci-fn-request',
    set_pci_fn_response: 'set-pci-fn-response',
    slpc_request: 'slpc-request',
    slpc_response: 'slpc-response',
  },
  zpci_fib: { zpci_fib: 'fib', interrupts: 'interrupts', iota: 'iota' },
  zpci_error_event: { zpci_error_event: 'error-event' },
  zpci_availability_event: { zpci_availability_event: 'availability-event' },
  zpci_fmb: { zpci_fmb: 'fmb' },
  // Words without bits of a name of their own in Linux's headers.
  vfio_zpci_info: {},
  zpci_table_entry: { region_entry: 'region-entry', segment_entry: 'segment-entry', page_entry: 'page-entry' },
};

// Blocks of one structure: how `zpci` calls each, its size, and how the names of its fixtures start.
const BLOCKS = [
  ['zpci_fib', 'fib', 80, 'f-'],
  ['zpci_error_event', 'error-event', 32],
  ['zpci_availability_event', 'availability-event', 32],
  ['zpci_fmb', 'fmb', 80, 'i-'],
];

function run(argument) {
  try {
    return execFileSync(zpci, argument, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    // A rule is broken or something was refused: the output says what, and is compared all the same.
    if (error.status === 1) return error.stdout;
    throw error;
  }
}

function load(name) {
  const description = yaml.parse(fs.readFileSync(path.join(__dirname, `${name}.ksy`), 'utf8'), { intAsBigInt: false });
  return { name, description };
}

async function compile({ name, description }) {
  const files = await compiler.compile('javascript', description, null, true);
  const source = Object.values(files).join('\n');
  const module = { exports: {} };
  const require = (wanted) => {
    if (wanted === 'kaitai-struct/KaitaiStream') return KaitaiStream;
    throw new Error(`${name} wants ${wanted}`);
  };
  vm.runInThisContext(`(function (module, exports, require) {${source}\n})`)(module, module.exports, require);
  const exported = Object.values(module.exports)[0] ?? module.exports;
  return typeof exported === 'function' ? exported : module.exports;
}

// The places of all fields below `node`: a byte or more without parts, or a structure of bits alone.
function places(node, base, found) {
  for (const [key, at] of Object.entries(node._debug)) {
    // What is found by an offset is a field if it is a structure; the others are read ahead, to know how to go on.
    const id = key.replace(/^_m_/, '');
    const value = node[id];
    if (id.startsWith('_') || at.start === undefined || (id !== key && !value?._debug)) continue;
    const values = Array.isArray(value) ? value : [value];
    // `zpci` shows bytes in a row as one field.
    if (Array.isArray(value) && value.length === 0) continue;
    const isBytes = Array.isArray(value) && at.arr.every((range) => range.end - range.start === 1);
    const ranges = Array.isArray(value) && !isBytes ? at.arr : [{ ...at, ioOffset: at.ioOffset ?? at.arr?.[0].ioOffset }];
    (isBytes ? [null] : values).forEach((value, index) => {
      const range = ranges[index];
      const start = range.ioOffset + range.start;
      const isStructure = value !== null && typeof value === 'object' && value._debug !== undefined;
      if (isStructure && !isBits(value)) places(value, start, found);
      else found.set(`${start}+${range.end - range.start}`, snake(id).replace(/_(word|byte)$/, ''));
    });
  }
  return found;
}

// The name in the description of what the compiler calls `id`.
function snake(id) {
  return id.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

// Whether all of a structure are bits: such are one field of `zpci`.
function isBits(structure) {
  return bitTypes.has(structure.constructor.name);
}

// The names that the compiler gives to the types of which all fields are bits.
function noteBitTypes({ description }) {
  for (const [type, { seq }] of Object.entries(description.types ?? {})) {
    const camel = type.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
    if (seq.every(isBitField)) bitTypes.add(camel);
  }
}

function isBitField(field) {
  return /^b\d+$/.test(field.type);
}

// What `zpci` says of the same bytes.
function decoded(file, extra) {
  const report = JSON.parse(run(['decode', '-j', ...extra, file]));
  const found = new Map();
  const collect = (value) => {
    if (Array.isArray(value)) value.forEach(collect);
    else if (value !== null && typeof value === 'object') {
      if (typeof value.offset === 'number' && typeof value.length === 'number' && typeof value.bytes === 'string') {
        found.set(`${value.offset}+${value.length}`, value);
      }
      Object.values(value).forEach(collect);
    }
  };
  collect(report);
  return found;
}

function compareBytes(title, type, bytes, file, extra, parameters = []) {
  const root = new type(new KaitaiStream(bytes), null, null, ...parameters);
  root._read();
  // What is found by an offset is read when it is asked for.
  for (let capability = root.first; capability !== undefined; capability = capability.nextCapability);
  const theirs = places(root, 0, new Map());
  const ours = decoded(file, extra);
  for (const [place, field] of ours) {
    const name = theirs.get(place);
    const [start, length] = place.split('+').map(Number);
    const stored = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('hex');
    const plain = field.name.replace(/^.*\./, '').replace(/\[\d+\]$/, '');
    if (name === undefined) complaints.push(`${title}: ${field.name} at ${place} is no field of the description`);
    else if (stored !== field.bytes) complaints.push(`${title}: ${field.name} at ${place} is ${field.bytes}, stored is ${stored}`);
    else if (!field.reserved && !sameName(name, plain)) complaints.push(`${title}: ${place} is ${field.name} and ${name}`);
    else fields += 1;
  }
  for (const [place, name] of theirs) {
    if (!ours.has(place)) complaints.push(`${title}: ${name} at ${place} is no field of zpci`);
  }
}

function sameName(theirs, ours) {
  return theirs === ours || EQUAL.some(([one, other]) => one === theirs && other === ours);
}

// Words that Linux gives no name, and names that two fields would share.
const EQUAL = [
  ['word', 'interrupts'],
  ['vwb', 'write_back'],
  ['version_of_pci', 'version'],
  ['nr_gaps', 'nr_entries'],
  ['nr_groups', 'nr_entries'],
  ['nr_functions', 'nr_entries'],
  ['nr_formats', 'nr_entries'],
];

// A fixture: rows of an offset and words, zeros elsewhere.
function fixture(text) {
  const bytes = Buffer.alloc(8192);
  for (const line of text.split('\n')) {
    const row = /^([0-9a-f]{4}): ((?:[0-9a-f]{8} ?)+)$/.exec(line.trim());
    if (row) Buffer.from(row[2].replaceAll(' ', ''), 'hex').copy(bytes, parseInt(row[1], 16));
  }
  return bytes;
}

// A fixture of words alone.
function words(text) {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const digits = lines.join('').replace(/\s/g, '');
  // A buffer of its own: places count from its start.
  const bytes = Buffer.alloc(digits.length / 2);
  bytes.write(digits, 'hex');
  return bytes;
}

// Bytes of which each differs from its neighbours.
function pattern(size) {
  const bytes = Buffer.alloc(size);
  bytes.forEach((_, at) => bytes.writeUInt8((at * 37 + 11) & 0xff, at));
  return bytes;
}

// A block of each command, carried out, with a response of all its parts.
function* commands() {
  const sizes = { 1: [16, 128], 2: [32, 64], 3: [32, 384], 4: [32, 64], 5: [32, 160] };
  for (const [command, [request, response]] of Object.entries(sizes)) {
    const bytes = pattern(request + response);
    bytes.writeUInt16BE(request, 0);
    bytes.writeUInt16BE(Number(command), 2);
    bytes.writeUInt16BE(response, request);
    bytes.writeUInt16BE(0x10, request + 2);
    if (command === '2') bytes.writeUInt8(16, request + 31);
    yield [`command ${command}`, bytes];
  }
}

// The bits of each structure, from the description and from `zpci fields`.
function compareBits({ name, description }) {
  const types = { ...description.types, [name]: { seq: description.seq } };
  for (const [type, structure] of Object.entries(STRUCTURES[name])) {
    const theirs = new Map();
    const collect = (seq, base) => {
      let at = base;
      for (const field of seq) {
        const match = /^b(\d+)$/.exec(field.type);
        if (match) {
          const last = at + Number(match[1]) - 1;
          if (field.id.endsWith('_low')) {
            // The second half of a number that is described in two.
            const [[place, id]] = [...theirs].slice(-1);
            theirs.delete(place);
            theirs.set(`${place.split('-')[0]}-${last}`, id.replace(/_high$/, ''));
          } else if (!/^(unused|reserved)/.test(field.id)) theirs.set(`${at}-${last}`, field.id);
          at = last + 1;
        }
      }
    };
    for (const field of types[type].seq) {
      const inner = types[field.type];
      if (inner && inner.seq.every(isBitField)) collect(inner.seq, 0);
    }
    collect(types[type].seq, 0);
    const ours = [...run(['fields', structure]).matchAll(/^ +bits? (\d+)(?:-(\d+))? +(\S+) +(\S+)/gm)];
    for (const [, first, last, own, linux] of ours) {
      const place = `${first}-${last ?? first}`;
      if (!theirs.has(place)) complaints.push(`${structure}: bits ${place} (${own}, ${linux}) are not in ${type}`);
      else bits += 1;
    }
    const known = new Set(ours.map(([, first, last]) => `${first}-${last ?? first}`));
    for (const [place, id] of theirs) {
      if (!known.has(place)) complaints.push(`${type}: bits ${place} (${id}) are not in ${structure}`);
    }
  }
}

async function main() {
  const types = {};
  for (const name of Object.keys(STRUCTURES)) {
    const loaded = load(name);
    noteBitTypes(loaded);
    types[name] = await compile(loaded);
    compareBits(loaded);
  }
  let recorded = 0;
  for (const directory of directories) {
    for (const file of fs.readdirSync(directory).filter((name) => name.endsWith('.hex')).sort()) {
      const place = path.join(directory, file);
      const text = fs.readFileSync(place, 'utf8');
      const vfio = /^(device|iommu|container).*-(big|little)/.exec(file);
      if (vfio) {
        const isDevice = vfio[1] === 'device';
        const kind = isDevice ? 'vfio-device' : 'vfio-iommu';
        const parameters = [vfio[2] === 'big', isDevice];
        compareBytes(file, types.vfio_zpci_info, words(text), place, ['--as', kind, '--order', vfio[2]], parameters);
        recorded += 1;
        continue;
      }
      const bytes = fixture(text);
      const block = BLOCKS.find(([, , , start]) => start !== undefined && file.startsWith(start));
      if (block) compareBytes(file, types[block[0]], bytes.subarray(0, block[2]), place, ['--as', block[1]]);
      else if (isWhole(bytes)) compareBytes(file, types.zpci_clp_block, bytes, place, ['--as', 'clp']);
      else continue;
      recorded += 1;
    }
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'zpci-kaitai-'));
  const file = path.join(scratch, 'block.bin');
  const made = [...commands()].map(([title, bytes]) => [title, 'zpci_clp_block', 'clp', bytes]);
  made.push(...BLOCKS.map(([name, kind, size]) => [kind, name, kind, pattern(size)]));
  for (const format of [0, 1, 2, 3]) {
    const bytes = pattern(80);
    bytes.writeUInt8(format, 0);
    made.push([`fmb of format ${format}`, 'zpci_fmb', 'fmb', bytes]);
  }
  for (const [title, name, kind, bytes] of made) {
    fs.writeFileSync(file, bytes);
    compareBytes(title, types[name], bytes, file, ['--raw', '--as', kind]);
  }
  fs.rmSync(scratch, { recursive: true });
  console.log(`${recorded} recorded blocks and ${made.length} made ones, ${fields} fields and ${bits} groups of bits compared`);
  complaints.forEach((complaint) => console.log(complaint));
  process.exitCode = complaints.length === 0 && recorded > 0 && bits > 0 ? 0 : 1;
}

// Whether request and room are what a machine answers: others are refused before any field is looked at.
function isWhole(bytes) {
  const request = bytes.readUInt16BE(0);
  const room = bytes.readUInt16BE(request);
  return request % 8 === 0 && room % 8 === 0 && room >= 16;
}

main();
