// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The series there are.

/// A series of patches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Set {
    /// What people call it, and its directory below `OUT`.
    pub(crate) name: &'static str,
    /// Where its patches and its letter are, below the workspace.
    pub(crate) directory: &'static str,
    /// The fragment of a configuration that has what it adds, below the workspace; it needs Rust.
    pub(crate) option: Option<&'static str>,
    /// The tests that it adds, as `kunit.py` wants them named.
    pub(crate) tests: Option<&'static str>,
}

/// What is wrong in the stock driver.
pub(crate) const FIXES: Set = Set { name: "fixes", directory: "glue-c/upstream/fixes", option: None, tests: None };

/// The parser of CLP as a leaf in Rust.
const LEAF: Set = Set {
    name: "leaf",
    directory: "glue-c/upstream/leaf",
    option: Some("glue-c/upstream/leaf/config"),
    tests: Some("arch/s390/pci"),
};

/// What user space could be told.
const USER_API: Set = Set { name: "uapi", directory: "glue-c/upstream/uapi", option: None, tests: None };

/// All of them.
pub(crate) const SETS: [Set; 3] = [FIXES, LEAF, USER_API];
