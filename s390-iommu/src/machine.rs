// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The instructions: what they answer, and what registration and refresh make of the answers.

pub(crate) mod action;
pub(crate) mod gate;
pub(crate) mod limits;
pub(crate) mod refresh;
pub(crate) mod registration;
pub(crate) mod zpci;
