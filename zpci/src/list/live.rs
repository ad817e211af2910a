// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions of the machine that this runs on, by its CLP.

use clp::{Block, Client, Clp};

use super::said::Said;
use super::Listed;

/// What the machine says of its functions; with what of it could not be had.
///
/// `sysfs` is what the kernel has of them: the address of a function is the kernel's to choose.
///
/// # Errors
///
/// Why the functions cannot be listed.
pub(crate) fn read(machine: &impl Clp, sysfs: &[Listed]) -> Result<(Vec<Listed>, Vec<String>), String> {
    let (mut said, mut troubles) = (Said::default(), Vec::new());
    let mut block = Block::zeroed();
    let mut client = Client::new(machine, &mut block);
    let mut list = client.list();
    for entry in &mut list {
        said.entries.push(entry.map_err(|error| format!("LIST PCI: {error}"))?);
    }
    said.uid_checking = list.summary().map(|summary| summary.uid_checking);
    for entry in &said.entries {
        match client.query_listed(entry.id, entry.handle) {
            Ok(function) => said.functions.push((entry.handle, function)),
            // Between the list and the query anything may happen to a function.
            Err(error) => troubles.push(format!("FID {}: QUERY PCI FN: {error}", entry.id)),
        }
    }
    let mut groups: Vec<_> = said.functions.iter().map(|(_, function)| function.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        match client.query_function_group(group) {
            Ok(values) => said.groups.push((group.0, values)),
            Err(error) => troubles.push(format!("group {:#04x}: QUERY PCI FNGRP: {error}", group.0)),
        }
    }
    let mut functions = said.functions();
    if !sysfs.is_empty() {
        for function in &mut functions {
            let known = sysfs.iter().find(|known| known.id == function.id);
            function.address = known.and_then(|known| known.address.clone());
        }
    }
    Ok((functions, troubles))
}

#[cfg(test)]
mod tests {
    use clp::{ConditionCode, FunctionId, FunctionState};
    use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration};

    use super::*;

    /// A machine of which QUERY PCI FNGRP is refused.
    struct WithoutGroups<'a>(&'a Fake);

    impl Clp for WithoutGroups<'_> {
        fn call(&self, processor: clp::LogicalProcessor, command: &mut clp::Command<'_>) -> ConditionCode {
            match command.request().get(2..4) {
                Some([0, 4]) => ConditionCode::Three,
                _ => self.0.call(processor, command),
            }
        }

        fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
            self.0.immediate(command)
        }

        fn pause(&self, busy: u32) -> bool {
            self.0.pause(busy)
        }
    }

    fn machine() -> Fake {
        Fake::new(Configuration { functions: vec![FunctionConfiguration::nvme()], ..Configuration::qemu() })
    }

    #[test]
    fn all_that_clp_says() {
        let (functions, troubles) = read(&machine(), &[]).unwrap();
        let [function] = functions.as_slice() else { panic!("{functions:?}") };
        assert_eq!(troubles, Vec::<String>::new());
        assert_eq!(function.ids, Some((0x1b36, 0x0010)));
        assert_eq!(function.state, Some(FunctionState::Configured));
        assert!(function.window.is_some() && function.bars.is_some() && function.group_values.is_some());
    }

    #[test]
    fn the_kernel_chooses_addresses() {
        let machine = machine();
        let (functions, _) = read(&machine, &[]).unwrap();
        let known = Listed { id: functions[0].id, address: Some("00aa:00:00.0".to_owned()), ..Listed::default() };
        let (functions, _) = read(&machine, &[known]).unwrap();
        assert_eq!(functions[0].address.as_deref(), Some("00aa:00:00.0"));
        // A kernel that has other functions alone has no address for this one.
        let other =
            Listed { id: Some(FunctionId(0x7777)), address: Some("0001:00:00.0".to_owned()), ..Listed::default() };
        let (functions, _) = read(&machine, &[other]).unwrap();
        assert_eq!(functions[0].address, None);
    }

    #[test]
    fn what_is_refused_is_said() {
        let (functions, troubles) = read(&WithoutGroups(&machine()), &[]).unwrap();
        assert!(functions[0].group_values.is_none() && functions[0].window.is_some());
        let [trouble] = troubles.as_slice() else { panic!("{troubles:?}") };
        assert!(trouble.contains("QUERY PCI FNGRP") && trouble.contains("0xff"), "{trouble}");
    }
}
