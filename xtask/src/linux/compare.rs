// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Two reports side by side: which cases came out differently, and which bytes of the user API are not the same. Between
//! reports of the same kernel, such as two of a guest of two programs that emulate its machine, nothing may differ. Of the
//! stock driver and this one, what the kernels recorded: it differs between other reports, by addresses.

mod cause;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{ensure, Context, Result};
use comfy_table::{presets, Table};
use serde_json::Value;

use records::{Recorded, Records};

/// Facts that must be the same whatever drives the functions; times and counters are not among them.
const FACTS: [&str; 6] = ["capability", "info", "hw-info", "range", "clp", "function"];

/// The fields that say what a fact is about.
const ABOUT: [&str; 3] = ["function", "source", "id"];

/// The boots that say what the kernel records.
const RECORDING: [&str; 3] = ["instructions", "enable", "firmware"];

/// Suites all of whose cases are shown, whether or not they came out differently.
const SHOWN: [&str; 2] = ["selftest", "module"];

/// What a report says of one kernel.
#[derive(Debug)]
pub(crate) struct Side {
    /// `stock`, `rust`.
    name: String,
    /// Version of the kernel.
    kernel: String,
    /// The program that emulated the machine, as it was called.
    emulator: String,
    boots: BTreeSet<String>,
    /// By boot and path.
    results: BTreeMap<(String, String), String>,
    /// By boot and kind, in the order in which they were said.
    facts: BTreeMap<(String, String), Vec<Value>>,
    records: Records,
}

/// The differences between two reports.
#[derive(Debug)]
pub(crate) struct Comparison {
    first: Side,
    second: Side,
}

impl Comparison {
    /// Compares two reports.
    pub(crate) fn new(first: Side, second: Side) -> Self {
        Self { first, second }
    }

    /// Whether nothing is wrong: of the stock driver and this one, there are records, and none differ without a known cause;
    /// of the same kernel, a case was compared and nothing differs.
    pub(crate) fn passed(&self) -> bool {
        let [compared, different, facts] = self.counts();
        let is_same = compared > 0 && different == 0 && facts == 0;
        self.recorded().is_none_or(|recorded| recorded.passed()) && (is_same || !self.is_of_one_kernel())
    }

    /// The records of the stock driver and of this one, in this order and of one kernel, if both have a boot that records.
    fn recorded(&self) -> Option<Recorded> {
        let [stock, ours] = match (&*self.first.name, &*self.second.name) {
            ("stock", "rust") => [&self.first, &self.second],
            ("rust", "stock") => [&self.second, &self.first],
            _ => return None,
        };
        let is_comparable = stock.kernel == ours.kernel && RECORDING.iter().any(|boot| self.is_in_both(boot));
        is_comparable.then(|| Recorded::new(&stock.records, &ours.records, |boot| self.is_in_both(boot)))
    }

    fn is_of_one_kernel(&self) -> bool {
        (&self.first.name, &self.first.kernel) == (&self.second.name, &self.second.kernel)
    }

    /// The cases of the boots that both reports have, how many of them came out differently, and how many facts differ.
    fn counts(&self) -> [usize; 3] {
        let cases = self.cases();
        let differs = |case: &&(String, String)| self.first.results.get(case) != self.second.results.get(case);
        [cases.len(), cases.iter().copied().filter(differs).count(), self.facts().len()]
    }

    /// Every case of the boots that both reports have.
    fn cases(&self) -> BTreeSet<&(String, String)> {
        let cases = self.first.results.keys().chain(self.second.results.keys());
        cases.filter(|(boot, _)| self.is_in_both(boot)).collect()
    }

    fn is_in_both(&self, boot: &str) -> bool {
        self.first.boots.contains(boot) && self.second.boots.contains(boot)
    }

    /// Boot, case, and the two results; `-` where a report does not have the case.
    fn results(&self) -> Vec<[String; 4]> {
        let result = |side: &Side, case| side.results.get(case).map_or("-", String::as_str).to_owned();
        let rows = self
            .cases()
            .into_iter()
            .map(|case| [case.0.clone(), case.1.clone(), result(&self.first, case), result(&self.second, case)]);
        let is_shown = |path: &str| SHOWN.iter().any(|suite| path.split(" / ").next() == Some(suite));
        rows.filter(|[_, path, first, second]| first != second || is_shown(path)).collect()
    }

    /// Boot, kind, and what the two reports say, in the boots that both have.
    fn facts(&self) -> Vec<[String; 4]> {
        let mut rows = Vec::new();
        let said = self.first.facts.keys().chain(self.second.facts.keys()).collect::<BTreeSet<_>>();
        for about @ (boot, kind) in said.into_iter().filter(|(boot, _)| self.is_in_both(boot)) {
            let of = |side: &Side| side.facts.get(about).cloned().unwrap_or_default();
            let (first, second) = (of(&self.first), of(&self.second));
            for index in 0..first.len().max(second.len()) {
                let (first, second) = (first.get(index), second.get(index));
                if first != second {
                    let text = |fact: Option<&Value>, other| fact.map_or("-".to_owned(), |fact| differing(fact, other));
                    rows.push([boot.clone(), kind.clone(), text(first, second), text(second, first)]);
                }
            }
        }
        rows
    }
}

/// What a fact is about, and what of it `other` does not say.
fn differing(fact: &Value, other: Option<&Value>) -> String {
    let (Value::Object(fields), Some(Value::Object(others))) = (fact, other) else { return fact.to_string() };
    let is_shown = |name: &String, value: &Value| ABOUT.contains(&name.as_str()) || others.get(name) != Some(value);
    let shown = fields.iter().filter(|(name, value)| is_shown(name, value));
    Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect()).to_string()
}

impl Side {
    /// Reads a report from its JSON.
    ///
    /// # Errors
    ///
    /// It is no such report.
    pub(crate) fn read(json: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(json).context("a report is not JSON")?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text(&report, "implementation").context("a report names no implementation")?;
        let kernel = text(&report, "kernel").context("a report names no kernel")?;
        let (mut results, mut facts) = (BTreeMap::new(), BTreeMap::new());
        let mut records = Records::default();
        let (mut names, mut emulator) = (BTreeSet::new(), String::new());
        let boots = report.get("boots").and_then(Value::as_array).context("a report has no boots")?;
        for boot in boots {
            let boot_name = text(boot, "name").context("a boot has no name")?;
            names.insert(boot_name.clone());
            let command = text(boot, "command").unwrap_or_default();
            emulator = command.split_whitespace().next().unwrap_or_default().to_owned();
            for case in boot.get("cases").and_then(Value::as_array).into_iter().flatten() {
                let path = case.get("path").and_then(Value::as_array).context("a case has no path")?;
                let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
                let result = text(case, "result").context("a case has no result")?;
                results.insert((boot_name.clone(), path.join(" / ")), result);
            }
            for said in boot.pointer("/facts/record").and_then(Value::as_array).into_iter().flatten() {
                records.add(&boot_name, said).context("a report has a record that is none")?;
            }
            for kind in FACTS {
                if let Some(said) = boot.pointer(&format!("/facts/{kind}")).and_then(Value::as_array) {
                    facts.insert((boot_name.clone(), kind.to_owned()), said.clone());
                }
            }
        }
        ensure!(!results.is_empty(), "a report has no cases");
        Ok(Self { name, kernel, emulator, boots: names, results, facts, records })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match self.is_of_one_kernel() {
            true => ["earlier", "now"],
            false => [self.first.name.as_str(), self.second.name.as_str()],
        };
        let [first, second] = names;
        let sides = [&self.first, &self.second];
        writeln!(f)?;
        for (name, Side { name: implementation, kernel, emulator, .. }) in names.into_iter().zip(sides) {
            writeln!(f, "{name}: Linux {kernel} ({implementation}), {emulator}")?;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["boot", "case", first, second]);
        self.results().into_iter().for_each(|row| {
            table.add_row(row);
        });
        writeln!(f, "\nCases that came out differently, and all of {}:\n{table}", SHOWN.join(" and "))?;
        for (name, one, other) in [(first, sides[0], sides[1]), (second, sides[1], sides[0])] {
            let alone: Vec<&str> = one.boots.difference(&other.boots).map(String::as_str).collect();
            if !alone.is_empty() {
                writeln!(f, "\nBoots of {name} alone, which were not compared: {}", alone.join(", "))?;
            }
        }
        let [compared, different, facts] = self.counts();
        let boots = self.first.boots.intersection(&self.second.boots).count();
        writeln!(f, "\n{compared} cases of {boots} boots compared, {different} came out differently")?;
        writeln!(f, "\n{facts} facts of {} are not the same", FACTS.join(", "))?;
        self.facts().iter().try_for_each(|[boot, kind, one, other]| {
            writeln!(f, "  {boot} {kind}\n    {first}: {one}\n    {second}: {other}")
        })?;
        self.recorded().map_or(Ok(()), |recorded| write!(f, "{recorded}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(first: &str, second: &str) -> Comparison {
        Comparison::new(Side::read(first).unwrap(), Side::read(second).unwrap())
    }

    fn report(name: &str, result: &str, raw: &str) -> String {
        format!(
            r#"{{"implementation":"{name}","kernel":"7.3","boots":[{{"name":"vfio","command":"qemu -m 1G",
            "cases":[{{"path":["iommufd","a"],"result":"{result}"}},{{"path":["type1","b"],"result":"passed"}},
                     {{"path":["selftest","c"],"result":"passed"}}],
            "facts":{{"capability":[{{"id":1,"raw":"00"}},{{"id":2,"raw":"{raw}"}}],"load":[{{"rounds":"{raw}"}}]}}}}]}}"#
        )
    }

    #[test]
    fn what_differs_is_shown_and_nothing_else() {
        let comparison = compare(&report("stock", "failed", "01"), &report("rust", "passed", "02"));
        let text = |words: [&str; 4]| words.map(str::to_owned);
        assert_eq!(
            comparison.results(),
            [text(["vfio", "iommufd / a", "failed", "passed"]), text(["vfio", "selftest / c", "passed", "passed"])]
        );
        assert_eq!(
            comparison.facts(),
            [text(["vfio", "capability", r#"{"id":2,"raw":"01"}"#, r#"{"id":2,"raw":"02"}"#])]
        );
    }

    #[test]
    fn of_a_fact_is_shown_what_differs_and_what_it_is_about() {
        let fact = |port: u32| serde_json::json!({"function": "a", "uid": 1, "port": port});
        assert_eq!(differing(&fact(2), Some(&fact(3))), r#"{"function":"a","port":2}"#);
        assert_eq!(differing(&fact(2), None), r#"{"function":"a","uid":1,"port":2}"#);
    }

    #[test]
    fn the_same_reports_have_the_same_bytes() {
        let comparison = compare(&report("stock", "failed", "01"), &report("rust", "failed", "01"));
        assert_eq!(comparison.facts().len(), 0);
        assert_eq!(comparison.results().len(), 1);
        assert!(comparison.to_string().contains("\n0 facts of"));
    }

    #[test]
    fn reports_of_one_kernel_must_not_differ() {
        let earlier = report("rust", "passed", "01");
        let same = compare(&earlier, &earlier);
        assert!(same.passed());
        let text = same.to_string();
        assert!(text.contains("\nearlier: Linux 7.3 (rust), qemu\nnow: "), "{text}");
        assert!(text.contains("\n3 cases of 1 boots compared, 0 came out differently\n"), "{text}");
        for other in [
            report("rust", "failed", "01"),
            report("rust", "passed", "02"),
            // A fact, and a case, that is not there.
            earlier.replace(r#""capability":"#, r#""else":"#),
            earlier.replace(r#"{"path":["type1","b"],"result":"passed"},"#, ""),
            // Nothing in common.
            earlier.replace(r#""name":"vfio""#, r#""name":"lazy""#),
        ] {
            assert_ne!(other, earlier);
            assert!(!compare(&earlier, &other).passed(), "{other}");
            // Another kernel may do other things.
            let other_kernel = other.replace(r#""kernel":"7.3""#, r#""kernel":"7.2""#);
            assert!(compare(&earlier, &other_kernel).passed());
            let other_driver = other.replace(r#""implementation":"rust""#, r#""implementation":"stock""#);
            assert!(compare(&earlier, &other_driver).passed());
        }
    }

    #[test]
    fn records_of_the_stock_driver_and_of_this_one_differ_for_known_causes_alone() {
        let recorded = |name: &str, text: &str| {
            let record = format!(
                r#""record":[{{"row":"RPCIT cc 3 at unmap, then","in":"pci_error","level":0,"text":"{text}"}}]"#
            );
            report(name, "passed", "01")
                .replace("vfio", "instructions")
                .replace(r#""load":"#, &format!(r#"{record},"load":"#))
        };
        let [stock, ours] = [("stock", "a"), ("rust", "a")].map(|(name, text)| recorded(name, text));
        assert!(compare(&stock, &ours).passed());
        assert!(compare(&ours, &stock).passed());
        assert!(!compare(&stock, &recorded("rust", "b")).passed());
        assert!(!compare(&recorded("rust", "b"), &stock).passed());
        // No records at all.
        let without = |report: &str| report.replace(r#""record""#, r#""other""#);
        assert!(!compare(&stock, &without(&ours)).passed());
        assert!(!compare(&without(&stock), &without(&ours)).passed());
        // Other kernels, and others of this driver, have addresses of their own.
        assert!(compare(&stock, &recorded("rust", "b").replace(r#""kernel":"7.3""#, r#""kernel":"7.2""#)).passed());
        assert!(compare(&ours, &recorded("rust", "b")).passed());
    }

    #[test]
    fn a_boot_of_one_report_is_named_and_not_compared() {
        let both = report("rust", "passed", "01");
        let alone =
            both.replace(r#""boots":["#, r#""boots":[{"name":"lazy","cases":[{"path":["a"],"result":"failed"}]},"#);
        let comparison = compare(&alone, &both);
        assert!(comparison.passed());
        let text = comparison.to_string();
        assert!(text.contains("\nBoots of earlier alone, which were not compared: lazy\n"), "{text}");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert!(Side::read("{}").is_err());
        assert!(Side::read("no").is_err());
    }
}
