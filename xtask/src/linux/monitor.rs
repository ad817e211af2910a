// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! QEMU's monitor (QMP), by which devices are taken away from a running guest and given back, and its storage is written to a
//! file.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};
use serde_json::{json, Value};

use super::device::Device;

/// How long QEMU may take for anything.
const LIMIT: Duration = Duration::from_secs(20);

/// How long it may take to write all storage.
const DUMP_LIMIT: Duration = Duration::from_secs(300);

/// Time between two attempts at something that QEMU is not ready for.
const PAUSE: Duration = Duration::from_millis(20);

/// The place where QEMU connects to.
#[derive(Debug)]
pub(crate) struct Monitor {
    listener: TcpListener,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    /// What came while something else was waited for.
    events: Vec<Value>,
}

impl Monitor {
    /// Listens on a free port of this machine alone.
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot listen for QEMU's monitor")?;
        Ok(Self { listener, connection: None })
    }

    /// Makes QEMU connect.
    pub(crate) fn arguments(&self) -> Result<[String; 4]> {
        let port = self.listener.local_addr()?.port();
        Ok([
            "-chardev".into(),
            format!("socket,id=monitor,host=127.0.0.1,port={port}"),
            "-mon".into(),
            "chardev=monitor,mode=control".into(),
        ])
    }

    /// Asks the guest to give the device back and waits until it has.
    pub(crate) fn unplug(&mut self, name: &str) -> Result<()> {
        let connection = self.connection()?;
        connection.execute(&json!({"execute": "device_del", "arguments": {"id": name}}))?;
        connection.wait_for_deletion(name)
    }

    /// Plugs the device in as it was when the machine was started.
    pub(crate) fn plug(&mut self, name: &str) -> Result<()> {
        let device = Device::named(name).with_context(|| format!("the machine never had a device {name}"))?;
        let connection = self.connection()?;
        for model in device.models() {
            connection.add(&model)?;
        }
        Ok(())
    }

    /// Writes the storage of the guest, which stands still meanwhile, to the file at `path`: an ELF core.
    pub(crate) fn dump(&mut self, path: &Path) -> Result<()> {
        let connection = self.connection()?;
        connection.writer.set_read_timeout(Some(DUMP_LIMIT))?;
        let protocol = format!("file:{}", path.display());
        let arguments = json!({"paging": false, "protocol": protocol});
        connection.execute(&json!({"execute": "dump-guest-memory", "arguments": arguments}))?;
        connection.writer.set_read_timeout(Some(LIMIT)).map_err(Into::into)
    }

    /// Ends QEMU, which then ends well, and may do so before its answer is here.
    pub(crate) fn quit(&mut self) -> Result<()> {
        let connection = self.connection()?;
        writeln!(connection.writer, "{}", json!({"execute": "quit"})).context("QEMU's monitor takes no commands")
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::accept(&self.listener)?,
        };
        Ok(self.connection.insert(connection))
    }
}

impl Connection {
    fn accept(listener: &TcpListener) -> Result<Self> {
        let (writer, _) = listener.accept().context("QEMU did not connect to its monitor")?;
        writer.set_read_timeout(Some(LIMIT))?;
        let mut connection = Self { reader: BufReader::new(writer.try_clone()?), writer, events: Vec::new() };
        let greeting = connection.read()?;
        ensure!(greeting.get("QMP").is_some(), "QEMU's monitor says {greeting}");
        connection.execute(&json!({"execute": "qmp_capabilities"}))?;
        Ok(connection)
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        ensure!(
            self.reader.read_line(&mut line).context("QEMU's monitor does not answer")? > 0,
            "QEMU has closed its monitor"
        );
        serde_json::from_str(&line).with_context(|| format!("QEMU's monitor says {line}"))
    }

    /// Executes a command and returns what it returns.
    fn execute(&mut self, command: &Value) -> Result<Value> {
        writeln!(self.writer, "{command}").context("QEMU's monitor takes no commands")?;
        loop {
            let answer = self.read()?;
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = answer.get("error") {
                bail!("QEMU does not execute {command}: {error}");
            }
            self.events.push(answer);
        }
    }

    fn wait_for_deletion(&mut self, name: &str) -> Result<()> {
        let is_deletion = |event: &Value| {
            event.get("event").is_some_and(|event| event == "DEVICE_DELETED")
                && event.pointer("/data/device").is_some_and(|device| device == name)
        };
        while !self.events.iter().any(is_deletion) {
            let event = self.read().with_context(|| format!("{name} was not unplugged"))?;
            self.events.push(event);
        }
        self.events.retain(|event| !is_deletion(event));
        Ok(())
    }

    /// Adds a device described as on the command line. Its predecessor may take a moment to go away completely.
    fn add(&mut self, model: &str) -> Result<()> {
        let line = format!("device_add {model}");
        let command = json!({"execute": "human-monitor-command", "arguments": {"command-line": line}});
        let started = Instant::now();
        loop {
            let said = self.execute(&command)?;
            match said.as_str().map(str::trim) {
                Some("") => return Ok(()),
                said if started.elapsed() > LIMIT => {
                    bail!("QEMU does not add {model}: {}", said.unwrap_or("no text"))
                }
                _ => thread::sleep(PAUSE),
            }
        }
    }
}
