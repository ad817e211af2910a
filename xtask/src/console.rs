// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a guest prints: test results, and facts for the host.

pub(crate) mod facts;
pub(crate) mod ktap;
