// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the domains of a container have, one after the other.
//!
//! Each is a type with a name. Adapters of adapters make symbols of more than a thousand letters, and a Linux kernel takes
//! no name of more than 511 into its back traces (`KSYM_NAME_LEN`).

use clp::{FunctionGroup, FunctionGroupId};

use crate::user::attribute::MsiWindow;
use crate::user::domain::{Domain, DomainFunction};
use crate::user::table_format::TableFormat;

/// The functions of all domains.
#[derive(Clone, Debug)]
pub(super) struct Functions<D, F> {
    domains: D,
    current: Option<F>,
}

impl<D, F> Functions<D, F> {
    pub(super) const fn of(domains: D) -> Self {
        Self { domains, current: None }
    }
}

impl<'a, D, F> Iterator for Functions<D, F>
where
    D: Iterator<Item = Domain<'a, F>>,
    F: Iterator<Item = DomainFunction>,
{
    type Item = DomainFunction;

    fn next(&mut self) -> Option<DomainFunction> {
        loop {
            if let Some(functions) = &mut self.current {
                if let Some(function) = functions.next() {
                    return Some(function);
                }
            }
            self.current = Some(self.domains.next()?.functions);
        }
    }
}

/// The format of each domain.
#[derive(Clone, Debug)]
pub(super) struct Formats<D>(pub(super) D);

impl<'a, D, F> Iterator for Formats<D>
where
    D: Iterator<Item = Domain<'a, F>>,
{
    type Item = TableFormat;

    fn next(&mut self) -> Option<TableFormat> {
        Some(self.0.next()?.format)
    }
}

/// The groups of the functions, each identifier once.
#[derive(Clone, Debug)]
pub(super) struct Groups<D, F> {
    functions: Functions<D, F>,
    /// One bit for each identifier.
    seen: [u32; 8],
}

impl<D, F> Groups<D, F> {
    pub(super) const fn of(domains: D) -> Self {
        Self { functions: Functions::of(domains), seen: [0; 8] }
    }
}

impl<'a, D, F> Iterator for Groups<D, F>
where
    D: Iterator<Item = Domain<'a, F>>,
    F: Iterator<Item = DomainFunction>,
{
    type Item = (FunctionGroupId, FunctionGroup);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let DomainFunction { function, group, .. } = self.functions.next()?;
            let id = function.group;
            let bit = 1 << (id.0 % 32);
            if let Some(word) = self.seen.get_mut(usize::from(id.0 / 32)) {
                if *word & bit == 0 {
                    *word |= bit;
                    return Some((id, group));
                }
            }
        }
    }
}

/// The window of each group that has one.
#[derive(Clone, Debug)]
pub(super) struct Windows<D, F>(pub(super) Groups<D, F>);

impl<'a, D, F> Iterator for Windows<D, F>
where
    D: Iterator<Item = Domain<'a, F>>,
    F: Iterator<Item = DomainFunction>,
{
    type Item = MsiWindow;

    fn next(&mut self) -> Option<MsiWindow> {
        loop {
            let (_, group) = self.0.next()?;
            if let Some(window) = MsiWindow::of_group(&group) {
                return Some(window);
            }
        }
    }
}

/// Each value of `I` once. Takes quadratic time.
#[derive(Clone, Debug)]
pub(super) struct Distinct<I> {
    all: I,
    rest: I,
    /// How many of all came before the rest.
    before: usize,
}

impl<I: Clone> Distinct<I> {
    pub(super) fn of(items: I) -> Self {
        Self { all: items.clone(), rest: items, before: 0 }
    }
}

impl<I> Iterator for Distinct<I>
where
    I: Iterator<Item: PartialEq> + Clone,
{
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        'items: loop {
            let item = self.rest.next()?;
            let known = self.all.clone().take(self.before);
            self.before = self.before.saturating_add(1);
            for known in known {
                if known == item {
                    continue 'items;
                }
            }
            return Some(item);
        }
    }
}
