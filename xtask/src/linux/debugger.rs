// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! QEMU's debugger stub (GDB's remote serial protocol), by which the guest is stopped at an instruction and its storage changed.

use std::fmt::Write as _;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

/// How long QEMU may take to connect.
const LIMIT: Duration = Duration::from_secs(20);

/// Time between two looks whether QEMU has connected.
const PAUSE: Duration = Duration::from_millis(5);

/// The number of general register 0; the mask and the address of the PSW are before it.
const GENERAL_REGISTER_0: u32 = 2;

/// Bits 18 and 19 of the PSW.
const CONDITION_CODE: u64 = 3 << 44;

/// The place where QEMU connects to.
#[derive(Debug)]
pub(crate) struct DebuggerPort(TcpListener);

impl DebuggerPort {
    /// Listens on a free port of this machine alone.
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen for QEMU's debugger stub")?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Makes QEMU connect, and wait for the debugger before the first instruction.
    pub(crate) fn arguments(&self) -> Result<[String; 5]> {
        let port = self.0.local_addr()?.port();
        Ok([
            "-chardev".into(),
            format!("socket,id=debugger,host=127.0.0.1,port={port},nodelay=on"),
            "-gdb".into(),
            "chardev:debugger".into(),
            "-S".into(),
        ])
    }

    /// Waits for QEMU, which stands before the first instruction.
    pub(crate) fn accept(&self) -> Result<Debugger> {
        let started = Instant::now();
        loop {
            match self.0.accept() {
                Ok((writer, _)) => {
                    writer.set_nonblocking(false)?;
                    writer.set_nodelay(true)?;
                    return Ok(Debugger { reader: BufReader::new(writer.try_clone()?), writer });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && started.elapsed() < LIMIT => {
                    thread::sleep(PAUSE)
                }
                Err(error) => return Err(error).context("QEMU did not connect to its debugger"),
            }
        }
    }
}

/// A connection to the stub.
#[derive(Debug)]
pub(crate) struct Debugger {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Debugger {
    /// Stops the guest whenever it is about to execute the instruction at `address`.
    pub(crate) fn stop_at(&mut self, address: u64) -> Result<()> {
        self.confirmed(&format!("Z0,{address:x},2"))
    }

    /// Stops the guest there no more.
    pub(crate) fn pass(&mut self, address: u64) -> Result<()> {
        self.confirmed(&format!("z0,{address:x},2"))
    }

    /// Lets the guest run until it stops again; whether it did, or else has ended.
    pub(crate) fn resume(&mut self) -> Result<bool> {
        self.send("c")?;
        // W and X say that the machine has ended.
        Ok(self.receive()?.is_some_and(|reply| reply.starts_with(['S', 'T'])))
    }

    /// Lets the guest execute one instruction.
    pub(crate) fn step(&mut self) -> Result<()> {
        let reply = self.ask("s")?;
        ensure!(reply.starts_with(['S', 'T']), "QEMU's debugger does not step: {reply}");
        Ok(())
    }

    /// The address of the next instruction.
    pub(crate) fn instruction_address(&mut self) -> Result<u64> {
        self.register(1)
    }

    /// What is in general register `number`.
    pub(crate) fn general_register(&mut self, number: u32) -> Result<u64> {
        self.register(GENERAL_REGISTER_0 + number)
    }

    /// Puts `value` into general register `number`.
    pub(crate) fn set_general_register(&mut self, number: u32, value: u64) -> Result<()> {
        self.set_register(GENERAL_REGISTER_0 + number, value)
    }

    /// Makes the guest go on at `address` with condition code `cc`.
    pub(crate) fn answer(&mut self, cc: u8, address: u64) -> Result<()> {
        let mask = self.register(0)?;
        self.set_register(0, mask & !CONDITION_CODE | u64::from(cc) << CONDITION_CODE.trailing_zeros())?;
        self.set_register(1, address)
    }

    fn set_register(&mut self, number: u32, value: u64) -> Result<()> {
        self.confirmed(&format!("P{number:x}={value:016x}"))
    }

    fn register(&mut self, number: u32) -> Result<u64> {
        let reply = self.ask(&format!("p{number:x}"))?;
        u64::from_str_radix(&reply, 16).with_context(|| format!("QEMU's debugger says {reply} of register {number}"))
    }

    /// Fills `bytes` from storage at the logical address `address`.
    pub(crate) fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let reply = self.ask(&format!("m{address:x},{:x}", bytes.len()))?;
        ensure!(reply.len() == 2 * bytes.len(), "QEMU's debugger cannot read at {address:#x}: {reply}");
        for (byte, digits) in bytes.iter_mut().zip(reply.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
        }
        Ok(())
    }

    /// The word in storage at the logical address `address`.
    pub(crate) fn word(&mut self, address: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// The doubleword there.
    pub(crate) fn doubleword(&mut self, address: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Stores `bytes` at the logical address `address`.
    pub(crate) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        let mut command = format!("M{address:x},{:x}:", bytes.len());
        for byte in bytes {
            write!(command, "{byte:02x}")?;
        }
        self.confirmed(&command)
    }

    fn confirmed(&mut self, command: &str) -> Result<()> {
        let reply = self.ask(command)?;
        ensure!(reply == "OK", "QEMU's debugger answers {command} with \"{reply}\"");
        Ok(())
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        self.send(command)?;
        self.receive()?.context("QEMU has closed its debugger")
    }

    fn send(&mut self, command: &str) -> Result<()> {
        self.writer.write_all(packet(command).as_bytes()).context("QEMU's debugger takes no commands")
    }

    /// The next packet; nothing when QEMU has ended.
    fn receive(&mut self) -> Result<Option<String>> {
        // An acknowledgement of what was sent comes before it.
        loop {
            match self.byte()? {
                None => return Ok(None),
                Some(b'$') => break,
                Some(_) => {}
            }
        }
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                None => return Ok(None),
                Some(b'#') => break,
                Some(byte) => text.push(byte),
            }
        }
        let mut sum = [0; 2];
        if self.reader.read_exact(&mut sum).is_err() {
            return Ok(None);
        }
        let text = String::from_utf8(text)?;
        if sum != *format!("{:02x}", checksum(&text)).as_bytes() {
            bail!("QEMU's debugger sends a packet with a wrong sum: {text}");
        }
        // QEMU may have ended after its last word.
        let _ = self.writer.write_all(b"+");
        Ok(Some(text))
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let mut byte = [0];
        match self.reader.read(&mut byte) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(byte[0])),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(error).context("QEMU's debugger does not answer"),
        }
    }
}

fn checksum(text: &str) -> u8 {
    text.bytes().fold(0, u8::wrapping_add)
}

fn packet(command: &str) -> String {
    format!("${command}#{:02x}", checksum(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_ends_with_the_sum_of_its_bytes() {
        assert_eq!(packet("c"), "$c#63");
        assert_eq!(packet("m1000,4"), "$m1000,4#8e");
    }
}
