//! The capabilities that a process can never get on this machine, by their names.

use std::fs;

/// In the order of the kernel's numbers (`linux/capability.h`).
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The bounding set of a process, by the capabilities that it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounding {
    /// The capabilities that the kernel knows and the process can never have.
    pub missing: Vec<String>,
}

impl Bounding {
    /// The bounding set of a process, or of the caller for `self`; `None` if the system does not provide it.
    pub fn of(process: &str) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok()?;
        Self::parse(&status, &last)
    }

    /// From `/proc/PID/status` and the number of the kernel's last capability.
    fn parse(status: &str, last: &str) -> Option<Self> {
        let set = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
        let set = u64::from_str_radix(set.trim(), 16).ok()?;
        let last: usize = last.trim().parse().ok()?;
        let missing = (0..=last).filter(|bit| set >> bit & 1 == 0);
        let name = |bit: usize| NAMES.get(bit).map_or_else(|| format!("CAP_{bit}"), |name| (*name).to_owned());
        Some(Self { missing: missing.map(name).collect() })
    }

    /// Whether nothing is missing.
    pub fn is_full(&self) -> bool {
        self.missing.is_empty()
    }

    /// The missing capabilities, for a sentence.
    pub fn list(&self) -> String {
        self.missing.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::full("000001ffffffffff", "40", &[])]
    #[case::one("000001fffeffffff", "40", &["CAP_SYS_RESOURCE"])]
    #[case::a_kernel_that_knows_fewer("0000003fffffffff", "37", &[])]
    #[case::a_kernel_that_knows_more("000001ffffffffff", "41", &["CAP_41"])]
    fn missing_capabilities_are_listed(#[case] set: &str, #[case] last: &str, #[case] missing: &[&str]) {
        let status = format!("Name:\tsh\nCapEff:\t0000000000000000\nCapBnd:\t{set}\nCapAmb:\t0000000000000000\n");
        assert_eq!(Bounding::parse(&status, last).unwrap().missing, missing);
    }

    #[test]
    fn a_status_without_a_bounding_set_is_unknown() {
        assert_eq!(Bounding::parse("Name:\tsh\n", "40"), None);
    }
}
