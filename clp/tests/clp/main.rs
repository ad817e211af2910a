// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tests of `clp` against recorded bytes, scripted machines and hostile ones.

mod answers_hostile;
mod answers_list;
mod answers_recorded;
mod answers_set;
mod answers_view;
mod answers_virtualised;
mod block;
mod codes;
mod command;
mod enable;
mod ensure;
mod fields;
mod find;
mod fixture;
mod hostile;
mod hostile_guest;
mod layers;
mod lengths;
mod list;
mod machine;
mod recorded;
mod responder;
mod values;
mod vmm;
