// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The results as text, to the letter.

use zpci_tests::fake::{Configuration, Fake};
use zpci_tests::{run, Case, Group, Ktap, Message, Stop, Summary};

fn passes(_: &Fake) -> Result<(), Stop> {
    Ok(())
}

fn fails(_: &Fake) -> Result<(), Stop> {
    Err(Stop::Fail(Message::new(format_args!("entry: expected {:#x},\nfound {:#x}", 0x400, 0x20))))
}

fn skips(_: &Fake) -> Result<(), Stop> {
    Err(Stop::Skip(Message::new(format_args!("no function # {}", 1))))
}

const PASSING: Group<Fake> =
    Group { name: "passing", cases: &[Case { name: "one", run: passes }, Case { name: "two", run: passes }] };
const MIXED: Group<Fake> = Group {
    name: "mixed",
    cases: &[
        Case { name: "passes", run: passes },
        Case { name: "fails", run: fails },
        Case { name: "skips", run: skips },
    ],
};
const SKIPPED: Group<Fake> = Group { name: "skipped", cases: &[Case { name: "skips", run: skips }] };

#[test]
fn groups_and_cases() {
    let mut text = String::new();
    let summary = run(&Fake::new(Configuration::qemu()), &[PASSING, MIXED, SKIPPED], &mut text).unwrap();
    assert_eq!(summary, Summary { passed: 3, failed: 1, skipped: 2 });
    assert!(!summary.is_success());
    let expected = "\
KTAP version 1
1..3
  KTAP version 1
  # Subtest: passing
  1..2
  ok 1 one
  ok 2 two
ok 1 passing
  KTAP version 1
  # Subtest: mixed
  1..3
  ok 1 passes
  # mixed/fails: entry: expected 0x400,
  # found 0x20
  not ok 2 fails
  ok 3 skips # SKIP no function _ 1
not ok 2 mixed
  KTAP version 1
  # Subtest: skipped
  1..1
  ok 1 skips # SKIP no function _ 1
ok 3 skipped # SKIP no case of it could run
";
    assert_eq!(text, expected);
}

/// Nothing run is no success.
#[test]
fn nothing() {
    let mut text = String::new();
    let summary = run(&Fake::new(Configuration::qemu()), &[SKIPPED], &mut text).unwrap();
    assert!(!summary.is_success());
    let mut text = String::new();
    let summary = run::<Fake>(&Fake::new(Configuration::qemu()), &[], &mut text).unwrap();
    assert_eq!((text.as_str(), summary.is_success()), ("KTAP version 1\n1..0\n", false));
}

#[test]
fn names_cannot_break_lines() {
    let mut text = String::new();
    let mut ktap = Ktap::new(&mut text, 2).unwrap();
    ktap.subtest("a\nb # c", 0).unwrap();
    ktap.ok("one\r\nnot ok 1 # SKIP").unwrap();
    ktap.diagnostic("").unwrap();
    ktap.diagnostic("first\n\nthird\n").unwrap();
    let expected = "KTAP version 1\n1..2\n  KTAP version 1\n  # Subtest: a b _ c\n  1..0\n\
                    ok 1 one  not ok 1 _ SKIP\n# first\n# \n# third\n";
    assert_eq!(text, expected);
}

/// What is too long for a message is cut, between characters.
#[test]
fn long_messages() {
    let long = Message::new(format_args!("{}", "é".repeat(300)));
    assert_eq!(long.as_str(), "é".repeat(256));
    let short = Message::new(format_args!("short"));
    assert_eq!((short.as_str(), format!("{short} {short:?}").as_str()), ("short", "short \"short\""));
}
