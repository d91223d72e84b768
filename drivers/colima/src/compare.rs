//! What of a machine differs from what is asked for, and what it takes to change it.

use caproni_driver::{ChangeCost, Difference};
use serde_json::{Value, json};

use crate::config::{ColimaConfig, schema};
use crate::size::Size;

/// What colima chooses where nobody asks for it.
const CHOSEN: [&str; 3] = ["kubernetes_version", "vm_type", "arch"];

/// What of a machine's config the host is to compare: not what colima may have chosen, which
/// differs from a config that says nothing.
pub(crate) fn told(config: &Value) -> Value {
    let mut told = config.clone();
    if let Some(fields) = told.as_object_mut() {
        fields.retain(|name, _| !CHOSEN.contains(&name.as_str()));
    }
    told
}

/// The fields in which a machine differs from a config.
pub(crate) fn compare(running: &Value, requested: &ColimaConfig) -> Vec<Difference> {
    let wanted = json!(requested);
    let mut running = running.clone();
    if let Some(fields) = running.as_object_mut() {
        fields.retain(|name, _| !CHOSEN.contains(&name.as_str()) || !wanted[name].is_null());
    }
    let mut found = caproni_driver::config::differences(schema(), &running, &wanted);
    for difference in &mut found {
        difference.change = cost(difference);
    }
    found
}

/// What colima does in one direction only takes a new machine in the other.
fn cost(difference: &Difference) -> ChangeCost {
    let size = |value: &Value| serde_json::from_value::<Size>(value.clone()).ok();
    let is_one_way = match difference.path.as_str() {
        "disk" => size(&difference.requested) < size(&difference.running),
        "network_address" => difference.requested == json!(false),
        _ => false,
    };
    if is_one_way { ChangeCost::Recreate } else { difference.change.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;
    use crate::record::Record;
    use crate::saved::tests::recorded;

    fn rows(requested: &Value) -> Vec<(String, ChangeCost)> {
        let running = recorded().config(Some(&Record::default()));
        let found = compare(&running, &config(requested));
        found.into_iter().map(|row| (row.path, row.change)).collect()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut fields = json!({"memory": "2GiB", "disk": "10GiB"});
        fields[field] = value;
        fields
    }

    #[test]
    fn the_config_that_a_machine_was_made_of_is_no_difference() {
        assert_eq!(rows(&with("cores", json!(2))), []);
        assert_eq!(rows(&with("memory", json!("2048MiB"))), []);
        assert_eq!(rows(&with("vm_type", json!("qemu"))), []);
    }

    #[test]
    fn every_field_costs_what_colima_needs_for_it() {
        use ChangeCost::{Recreate, Restart};
        for (field, value, cost) in [
            ("memory", json!("12GiB"), Restart),
            ("cores", json!(6), Restart),
            ("disk", json!("20GiB"), Restart),
            ("disk", json!("9GiB"), Recreate),
            ("kubernetes_version", json!("v1.34.9+k3s1"), Restart),
            ("mounts", json!(["/a"]), Restart),
            ("network_address", json!(true), Restart),
            ("k3s_args", json!([]), Restart),
            ("runtime", json!("containerd"), Recreate),
            ("vm_type", json!("vz"), Recreate),
            ("arch", json!("aarch64"), Recreate),
            ("extra_args", json!(["--dns", "1.1.1.1"]), Recreate),
        ] {
            assert_eq!(rows(&with(field, value)), [(field.to_owned(), cost)]);
        }
    }

    #[test]
    fn a_network_address_is_never_taken_away() {
        let mut running = recorded().config(None);
        running["network_address"] = json!(true);
        let found = compare(&running, &config(&json!({"memory": "2GiB", "disk": "10GiB"})));
        assert_eq!((found.len(), &found[0].change), (1, &ChangeCost::Recreate));
    }

    #[test]
    fn the_host_is_not_told_what_colima_may_have_chosen() {
        let told = told(&recorded().config(None));
        assert_eq!((told.get("vm_type"), &told["runtime"]), (None, &json!("docker")));
    }

    #[test]
    fn what_is_left_to_colima_is_not_compared() {
        let paths: Vec<_> = rows(&json!({})).into_iter().map(|row| row.0).collect();
        assert_eq!(paths, ["memory", "disk"]);
    }
}
