use std::{collections::BTreeMap, path::Path, process::Command};

use super::{
    document::{DEVNET_KIND, DevnetDocument},
    page::page,
    variables::variables,
};

/// A devnet whose names and paths are unusual.
fn devnet() -> DevnetDocument {
    let account = |digit: &str| serde_json::json!({"address": format!("0x{}", digit.repeat(40)), "private_key": format!("0x{}", digit.repeat(64))});
    let chain = |port: u16, id: u64, contracts: serde_json::Value| serde_json::json!({"rpc_url": format!("http://127.0.0.1:{port}"), "ws_url": format!("ws://127.0.0.1:{port}"), "chain_id": id, "contracts": contracts});
    let mailbox = serde_json::json!({"name": "TaskMailbox", "address": format!("0x{}", "b".repeat(40))});
    let registrar = serde_json::json!({"name": "TaskAVSRegistrar", "address": format!("0x{}", "c".repeat(40))});
    let mut operator = account("1");
    operator["name"] = "big-alice".into();
    operator["weight"] = 100.into();
    operator["executor"] = "127.0.0.1:4003".into();
    operator["performer"] = serde_json::Value::Null;
    let text = serde_json::json!({
        "version": 1,
        "run": "r1m8jw4p9x-fmbc2888",
        "trial": "process::devnet",
        "runtime": "process",
        "ready": "2026-03-01T12:00:00Z",
        "kept": true,
        "keep_until": "2026-03-02T12:00:00Z",
        "folder": "/runs of/o'b",
        "chains": {
            "l1": chain(4001, 31337, serde_json::json!({"task_mailbox": mailbox, "task_avs_registrar": registrar})),
            "l2": chain(4002, 31338, serde_json::json!({"task_mailbox": mailbox})),
        },
        "accounts": {"app": account("2"), "deployer": account("3")},
        "operator_set": {"avs": format!("0x{}", "4".repeat(40)), "id": 1, "threshold": 6667},
        "operators": [operator],
        "aggregator": "$(touch /tmp/x) `id`",
        "surroundings": {"network": "n"},
    });
    DEVNET_KIND.parse(Path::new("devnet.json"), 1, &text.to_string()).unwrap()
}

#[test]
fn a_page_says_what_stands_where() {
    insta::assert_snapshot!(page(&devnet()));
}

/// Whatever a value contains, a shell that reads the file runs nothing and gets the value.
#[test]
fn a_shell_reads_the_variables_as_they_are() {
    let devnet = devnet();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("devnet.env");
    std::fs::write(&path, variables(&devnet)).unwrap();
    let output = Command::new("sh")
        .args(["-c", "set -a; . \"$1\"; exec env", "-"])
        .arg(&path)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let read: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once('=')).collect();
    for (name, value) in [
        ("L1_RPC_URL", "http://127.0.0.1:4001"),
        ("L2_CHAIN_ID", "31338"),
        ("TASK_MAILBOX", &*format!("0x{}", "b".repeat(40))),
        ("TASK_AVS_REGISTRAR", &*format!("0x{}", "c".repeat(40))),
        ("PRIVATE_KEY", &*format!("0x{}", "2".repeat(64))),
        ("OPERATOR_BIG_ALICE_ADDRESS", &*format!("0x{}", "1".repeat(40))),
        ("AGGREGATOR_ENDPOINT", "$(touch /tmp/x) `id`"),
        ("HARNESS_DEVNET", "r1m8jw4p9x-fmbc2888"),
    ] {
        assert_eq!(read.get(name), Some(&value), "{name} in {text}");
    }
}
