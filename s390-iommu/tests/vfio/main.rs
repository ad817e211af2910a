// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What user space learns: values, structures, chains.

mod attributes;
mod fixture;
mod formats;
mod guest;
mod host_function;
mod hostile;
mod layouts;
mod old_kernels;
mod poison;
mod ranges;
mod recorded;
mod sample;
mod sizes;
