// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A test case and what comes out of it.

use core::fmt;

use crate::machine::Machine;
use crate::message::Message;

/// One test.
pub struct Case<M> {
    /// Unique within its group.
    pub name: &'static str,
    /// Runs it; an error ends the case early.
    pub run: fn(&M) -> Result<(), Stop>,
}

/// Cases that belong together.
pub struct Group<M: 'static> {
    /// Unique within the list.
    pub name: &'static str,
    /// In the order in which they run.
    pub cases: &'static [Case<M>],
}

/// Why a case ended early.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stop {
    /// It found something wrong.
    Fail(Message),
    /// The machine lacks what it needs.
    Skip(Message),
}

/// What became of a case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Everything was as expected.
    Pass,
    /// Something was not, and what.
    Fail(Message),
    /// It could not run, and why.
    Skip(Message),
}

impl<M: Machine> Case<M> {
    /// Runs the case and asks the machine whether it has anything to complain about.
    pub fn verdict(&self, machine: &M) -> Verdict {
        let stopped = (self.run)(machine);
        match (stopped, machine.complaint()) {
            // What the case says comes first: it is nearer to the cause.
            (Err(Stop::Fail(message)), Some(complaint)) => {
                Verdict::Fail(Message::new(format_args!("{message}; the machine: {complaint}")))
            }
            (Err(Stop::Fail(message)), None) => Verdict::Fail(message),
            (_, Some(complaint)) => Verdict::Fail(Message::new(format_args!("the machine: {complaint}"))),
            (Err(Stop::Skip(reason)), None) => Verdict::Skip(reason),
            (Ok(()), None) => Verdict::Pass,
        }
    }
}

impl<M> fmt::Debug for Case<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

impl<M> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name).field("cases", &self.cases).finish()
    }
}

/// A case that failed; a function of its own, so that the message goes straight to where the result is wanted and takes
/// no room in the frame of whoever may fail.
#[cold]
#[inline(never)]
pub(crate) fn failed<T>(arguments: fmt::Arguments<'_>) -> Result<T, Stop> {
    Err(Stop::Fail(Message::new(arguments)))
}

/// A case that was not run, likewise.
#[cold]
#[inline(never)]
pub(crate) fn skipped<T>(arguments: fmt::Arguments<'_>) -> Result<T, Stop> {
    Err(Stop::Skip(Message::new(arguments)))
}

/// Ends the case as failed, with a formatted message.
macro_rules! fail {
    ($($argument:tt)*) => {
        return $crate::case::failed(format_args!($($argument)*))
    };
}

/// Ends the case as not run, with a formatted reason.
macro_rules! skip {
    ($($argument:tt)*) => {
        return $crate::case::skipped(format_args!($($argument)*))
    };
}

/// Ends the case as failed unless `$actual == $expected`; the message starts with what was looked at.
macro_rules! ensure {
    ($actual:expr, $expected:expr, $($what:tt)*) => {
        match (&$actual, &$expected) {
            (actual, expected) => {
                if *actual != *expected {
                    let (expected, actual) = ($crate::message::OneLine(expected), $crate::message::OneLine(actual));
                    $crate::case::fail!("{}: expected {expected}, found {actual}", format_args!($($what)*));
                }
            }
        }
    };
}

pub(crate) use {ensure, fail, skip};
