// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci list --blocks`.

use serde_json::{json, Value};

#[cfg(target_os = "linux")]
use super::list::why_closed;
use super::list::Options;
use super::live;
#[cfg(target_os = "linux")]
use crate::blocks::inquire;
use crate::blocks::{comment, Exchange, StandIns, Transcript};
use crate::decode::{settle_words, Kind};
use crate::input::Input;
#[cfg(target_os = "linux")]
use crate::list::{identities, ClpDevice};
use crate::{Output, Stop, GOOD, WRONG};

/// Writes blocks one after the other, or keeps them for one object of JSON.
struct Writer<'o> {
    output: Output<'o>,
    stand_ins: Option<StandIns>,
    /// The blocks so far, if JSON is wanted.
    kept: Option<Vec<Value>>,
    /// Number of blocks so far.
    count: usize,
    code: u8,
}

pub(super) fn run(options: &Options, inputs: Vec<Input>, output: Output<'_>) -> Result<u8, Stop> {
    let is_captured = !inputs.is_empty();
    // What was captured is of another machine than the functions of this one.
    let stand_ins = || if is_captured { StandIns::default() } else { StandIns::of_sysfs(&options.sysfs) };
    let mut writer = Writer {
        output,
        stand_ins: options.mask.then(stand_ins),
        kept: options.json.then(Vec::new),
        count: 0,
        code: GOOD,
    };
    if is_captured {
        for mut input in inputs {
            settle_words(&mut input, Kind::Clp)?;
            writer.write(&Exchange::from(&input))?;
        }
    } else {
        of_this_system(options, &mut writer)?;
    }
    writer.end()
}

fn of_this_system(options: &Options, writer: &mut Writer<'_>) -> Result<(), Stop> {
    let instead = "captured blocks: zpci list --blocks FILE...";
    if options.clp.is_none() {
        live::check("zpci list --blocks without files", instead)?;
        if !options.is_here() {
            return Err(Stop::Unreadable(format!("the sysfs of another system has no blocks; give {instead}")));
        }
    }
    #[cfg(target_os = "linux")]
    {
        let path = options.device();
        let device = ClpDevice::open(path).map_err(|error| why_closed(path, &error))?;
        let functions = identities(&options.sysfs);
        let handles: Vec<_> = functions.iter().filter_map(|it| it.handle).map(clp::FunctionHandle).collect();
        let refusal = || device.refusal().map(|error| error.to_string());
        inquire(&device, refusal, &handles, |exchange| writer.write(&exchange))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = writer;
        Err(Stop::Unreadable(format!("there is no Linux to ask here; give {instead}")))
    }
}

impl Writer<'_> {
    fn write(&mut self, exchange: &Exchange) -> Result<(), Stop> {
        let transcript = Transcript::new(exchange, self.stand_ins.as_mut());
        if !transcript.is_good() {
            self.code = WRONG;
        }
        self.count += 1;
        if let Some(kept) = &mut self.kept {
            kept.push(transcript.json());
            return Ok(());
        }
        if self.count == 1 {
            write!(self.output.out, "{}", comment("Blocks of CLP, each request with its response."))?;
            let said = match self.stand_ins {
                Some(_) => StandIns::EXPLANATION,
                None => "Identifiers of the machine are in them; --mask replaces those.",
            };
            write!(self.output.out, "{}", comment(said))?;
        }
        write!(self.output.out, "{}", transcript.text(self.count))?;
        Ok(())
    }

    fn end(self) -> Result<u8, Stop> {
        if let Some(kept) = self.kept {
            let object = json!({ "schema": "zpci-blocks/1", "masked": self.stand_ins.is_some(), "blocks": kept });
            writeln!(self.output.out, "{object:#}")?;
        }
        Ok(self.code)
    }
}
