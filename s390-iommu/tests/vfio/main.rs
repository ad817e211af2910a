// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space is told: values, structures, chains.

mod attach;
mod attributes;
mod fixture;
mod guest;
mod hostile;
mod layouts;
mod ranges;
mod recorded;
mod sample;
mod sizes;
