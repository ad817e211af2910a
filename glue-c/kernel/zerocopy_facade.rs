// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! zerocopy with its derives in one crate, as the registry has it with the feature `derive`; the tree has two.

pub use zerocopy::*;
pub use zerocopy_derive::*;
