// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The exports and the kernel's shim, with a kernel and a machine that stand in for real ones.

mod attach;
mod binding;
mod byte_order;
mod chain;
mod claims;
mod clp;
mod container;
mod domain;
mod enable;
mod function;
mod gate;
mod list;
mod map;
mod measured;
mod measurement;
mod moves;
mod query;
mod reclaim;
mod recovery;
mod refresh;
mod register;
mod sample;
mod stand_in;
mod user;
mod vfio;
