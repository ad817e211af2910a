// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What CLP says of a function to the inner guest, beside what it says to the first one.

use serde_json::{json, Value};

/// The group of QEMU's own functions.
const OF_QEMU: u64 = 0xff;

/// The first of the groups that a VMM makes up, one after the other.
const FIRST_MADE_UP: u64 = 0xf0;

/// The longest block that a VMM may store for its guest, in bytes (Linux: `ZPCI_MAX_WRITE_SIZE`, `drivers/vfio/pci/vfio_pci_zdev.c`).
const LONGEST_BLOCK: u64 = 128;

/// Where the function `index` of a VMM's command line is in its guest (`qemu-s390x/linux/suites/nested.c`).
const FIRST_FID: u64 = 0x11;
const FIRST_UID: u64 = 5;

/// What the inner guest has to be told of function `index`, of which `outer` is known to the first one; whether that is of a
/// group that QEMU passes on.
pub(crate) fn expected(index: u64, outer: &Value, has_own_group: bool) -> Value {
    let bars: Vec<Value> = outer["bar_sizes_log2"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, size)| **size != json!(0))
        .map(|(index, size)| json!([index, size]))
        .collect();
    // The first kernel passes on what it lets the function use. Both are as many digits.
    let end =
        [&outer["end_dma"], &outer["aperture_end"]].into_iter().min_by_key(|end| end.as_str().unwrap_or_default());
    let group = &outer["function_group"];
    let mut told = json!({
        "fid": FIRST_FID + index, "uid": FIRST_UID + index,
        "pchid": outer["pchid"], "vfn": outer["vfn"], "function_type": 0, "measurement_block_length": 0,
        "start_dma": outer["start_dma"], "end_dma": end, "bars": bars,
        "group": OF_QEMU, "function_group": group,
    });
    if has_own_group {
        told["group"] = json!(FIRST_MADE_UP);
        // QEMU takes guests without translation by itself; the first kernel tells it of no block that is longer.
        told["function_group"]["relaxed_translation"] = json!(true);
        let longest = group["maximum_store_block"].as_u64().unwrap_or_default().min(LONGEST_BLOCK);
        told["function_group"]["maximum_store_block"] = json!(longest);
    }
    told
}

/// Where `inner`, as the image prints it, differs from `expected`: field, what it is, what it should be.
pub(crate) fn differences(inner: &Value, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (field, wanted) in expected.as_object().into_iter().flatten() {
        match field.as_str() {
            "function_group" => {
                for (field, wanted) in wanted.as_object().into_iter().flatten() {
                    note(&mut found, field, &inner["function_group"][field], wanted);
                }
            }
            "bars" => {
                let bars = inner["bars"].as_array().into_iter().flatten();
                note(&mut found, field, &bars.map(|bar| json!([bar["index"], bar["size_log2"]])).collect(), wanted);
            }
            field => note(&mut found, field, &inner[field], wanted),
        }
    }
    found
}

fn note(found: &mut Vec<String>, field: &str, is: &Value, wanted: &Value) {
    if is != wanted {
        found.push(format!("{field} is {is}, not {wanted}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outer() -> Value {
        json!({
            "fid": 512, "uid": 16, "vfn": 0, "group": 255, "pchid": 7, "bar_sizes_log2": [14, 0, 0, 0, 0, 0],
            "port": 0, "function_type": 3, "start_dma": "0x0000000100000000", "end_dma": "0x01ffffffffffffff", "aperture_end": "0x000000023fffffff",
            "function_group": {"maximum_interrupts": 64, "refresh": true, "relaxed_translation": false,
                               "maximum_store_block": 4096, "designation_types": 64},
        })
    }

    fn inner() -> Value {
        json!({
            "fid": 18, "uid": 6, "vfn": 0, "group": 240, "pchid": 7, "function_type": 0, "measurement_block_length": 0,
            "start_dma": "0x0000000100000000", "end_dma": "0x000000023fffffff",
            "bars": [{"index": 0, "size_log2": 14, "register_bytes": "04000000"}],
            "function_group": {"maximum_interrupts": 64, "refresh": true, "relaxed_translation": true,
                               "maximum_store_block": 128, "designation_types": 64, "maxfaal": 0},
        })
    }

    #[test]
    fn what_a_vmm_changes_is_known() {
        let expected = expected(1, &outer(), true);
        assert_eq!(differences(&inner(), &expected), [""; 0]);
        for (field, value, found) in [
            ("fid", json!(512), "fid is 512, not 18"),
            ("end_dma", json!("0x01ffffffffffffff"), "end_dma is \"0x01ffffffffffffff\", not \"0x000000023fffffff\""),
            ("bars", json!([]), "bars is [], not [[0,14]]"),
            ("group", json!(5), "group is 5, not 240"),
        ] {
            let mut inner = inner();
            inner[field] = value;
            assert_eq!(differences(&inner, &expected), [found]);
        }
        let mut inner = inner();
        inner["function_group"]["maximum_store_block"] = json!(4096);
        assert_eq!(differences(&inner, &expected), ["maximum_store_block is 4096, not 128"]);
    }

    #[test]
    fn of_qemus_own_group_nothing_is_changed() {
        let told = expected(0, &outer(), false);
        assert_eq!(told["group"], 255);
        assert_eq!(told["function_group"], outer()["function_group"]);
    }
}
