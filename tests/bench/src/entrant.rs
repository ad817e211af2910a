// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A subject with a name, and how one sample of it is taken.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::subject::aarch64::Aarch64;
#[cfg(target_arch = "x86_64")]
use crate::subject::multiarch::Multiarch;
use crate::subject::ours::Ours;
use crate::subject::stock::Stock;
use crate::subject::x86::X86;
use crate::subject::Subject;
use crate::workload::Workload;

/// What one sample took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) map: Duration,
    pub(crate) unmap: Duration,
    pub(crate) translate: Duration,
    /// Giving back tables in which everything is mapped.
    pub(crate) free: Duration,
}

/// A subject of any type.
pub(crate) trait Entrant {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// Maps, translates and unmaps what `workload` says, in tables that were used before unless it says otherwise.
    fn sample(&mut self, workload: &Workload) -> Sample;

    /// Does the same once in tables that were used before, with a call of `mark` before each operation and at the end.
    fn marked(&mut self, workload: &Workload, mark: extern "C" fn());

    /// Maps what `workload` says and leaves it so, or unmaps it again.
    fn leave(&mut self, workload: &Workload, mapped: bool);

    /// Where `iova` leads.
    fn translate(&mut self, iova: u64) -> u64;
}

struct Named<S> {
    name: &'static str,
    subject: S,
    /// Whether it gives all its tables back when it is dropped with something mapped.
    frees: bool,
}

/// All of them, in the order in which tables show them.
pub(crate) fn all() -> Vec<Box<dyn Entrant>> {
    vec![
        entrant::<Ours<1, false>>("ours, 3 levels", true),
        entrant::<Ours<2, false>>("ours, 4 levels", true),
        entrant::<Ours<3, false>>("ours, 5 levels", true),
        entrant::<Ours<1, true>>("ours, 3 levels, 1 MiB", true),
        entrant::<Ours<3, true>>("ours, 5 levels, 1 MiB", true),
        entrant::<Stock<1>>("stock, 3 levels", true),
        entrant::<Stock<2>>("stock, 4 levels", true),
        entrant::<Stock<3>>("stock, 5 levels", true),
        entrant::<Aarch64>("aarch64-paging", true),
        #[cfg(target_arch = "x86_64")]
        entrant::<Multiarch>("page_table_multiarch", true),
        entrant::<X86>("x86_64", false),
    ]
}

fn entrant<S: Subject + 'static>(name: &'static str, frees: bool) -> Box<dyn Entrant> {
    Box::new(Named { name, subject: S::new(), frees })
}

impl<S: Subject> Entrant for Named<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sample(&mut self, workload: &Workload) -> Sample {
        if !workload.cold {
            return pass(&mut self.subject, workload);
        }
        let mut subject = S::new();
        let sample = pass(&mut subject, workload);
        if self.frees {
            map(&mut subject, workload);
        }
        let started = Instant::now();
        drop(subject);
        let free = if self.frees { started.elapsed() } else { Duration::ZERO };
        Sample { free, ..sample }
    }

    fn marked(&mut self, workload: &Workload, mark: extern "C" fn()) {
        for operation in [map, translate, unmap] {
            mark();
            operation(&mut self.subject, workload);
        }
        mark();
    }

    fn leave(&mut self, workload: &Workload, mapped: bool) {
        match mapped {
            true => map(&mut self.subject, workload),
            false => unmap(&mut self.subject, workload),
        }
    }

    fn translate(&mut self, iova: u64) -> u64 {
        self.subject.translate(iova)
    }
}

#[inline(never)]
fn map<S: Subject>(subject: &mut S, workload: &Workload) {
    for call in &workload.map {
        subject.map(call.iova, call.storage, call.pages);
    }
}

#[inline(never)]
fn unmap<S: Subject>(subject: &mut S, workload: &Workload) {
    for call in &workload.unmap {
        subject.unmap(call.iova, call.pages);
    }
}

#[inline(never)]
fn translate<S: Subject>(subject: &mut S, workload: &Workload) {
    for iova in &workload.translate {
        black_box(subject.translate(*iova));
    }
}

fn pass<S: Subject>(subject: &mut S, workload: &Workload) -> Sample {
    let timed = |operation: fn(&mut S, &Workload), subject: &mut S| {
        let started = Instant::now();
        operation(subject, workload);
        started.elapsed()
    };
    Sample {
        map: timed(map, subject),
        translate: timed(translate, subject),
        unmap: timed(unmap, subject),
        free: Duration::ZERO,
    }
}
