//! The Docker engine: whether it can be used, and for what.

use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};
use hourglass_base::{Check, Topic};
use hourglass_engine::EngineError;
use jiff::SignedDuration;

use super::{CONTAINERS, NONE, host::disk, privileged::privileged_containers, programs::parts};
use crate::{EngineFacts, Known};

const ENGINE: Topic = Topic { name: "docker-engine", needed_by: CONTAINERS };
const PERMISSION: Topic = Topic { name: "docker-permission", needed_by: CONTAINERS };
const STORAGE: Topic = Topic { name: "storage-driver", needed_by: NONE };
const IMAGES: Topic = Topic { name: "image-store", needed_by: NONE };
const CGROUP: Topic = Topic { name: "cgroup", needed_by: NONE };
const DISK: Topic = Topic { name: "disk-engine", needed_by: CONTAINERS };
const CLOCK: Topic = Topic { name: "engine-clock", needed_by: NONE };

/// The oldest engine that the harness is tested with.
const OLDEST: [u64; 2] = [20, 10];
/// The first version of 20.10 in which containers of one network that end at the same time do not deadlock
/// (moby/moby#46661).
const WITHOUT_DEADLOCK: [u64; 3] = [20, 10, 27];
/// The harness's images and the logs of its containers.
const DISK_NEEDED: u64 = 512 << 20;
const DISK_ENOUGH: u64 = 2 << 30;
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// The engine's checks; those of an engine that does not answer are left out.
pub(super) fn all(engine: &Known<Result<EngineFacts, EngineError>>) -> Vec<Check> {
    match engine {
        Err(unknown) => {
            vec![ENGINE.missing(unknown.to_string(), "see whether Docker itself answers: `docker version`")]
        }
        Ok(Err(EngineError::Forbidden { address })) => {
            let remedy = EngineError::Forbidden { address: address.clone() }.remedy().unwrap_or_default();
            vec![PERMISSION.missing(format!("this user may not use {address}"), remedy)]
        }
        Ok(Err(error)) => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            let remedy = error.remedy().unwrap_or("the engine's own log says more");
            vec![ENGINE.missing(format!("{error}{cause}"), remedy)]
        }
        Ok(Ok(facts)) => {
            let mut checks = vec![
                version(facts),
                PERMISSION.ok(format!("this user may use {}", facts.address)),
                storage(&facts.info),
                images(&facts.info),
                cgroup(&facts.info),
                privileged_containers(facts),
            ];
            let remedy = "free space there: `docker system df` says what uses it";
            checks.extend(facts.space.clone().map(|space| disk(DISK, &Ok(space), DISK_NEEDED, DISK_ENOUGH, remedy)));
            checks.extend(facts.ahead.map(clock));
            checks
        }
    }
}

fn version(facts: &EngineFacts) -> Check {
    let finding = format!("{} at {}", facts.version, facts.address);
    let linux = facts.info.os_type.as_deref().is_none_or(|system| system == "linux");
    if !linux {
        return ENGINE.missing(format!("{finding} runs containers of another system"), "switch it to Linux containers");
    }
    let known = parts(&facts.version);
    // The version of a custom build may have no numbers.
    if !known.is_empty() && known.as_slice() < OLDEST.as_slice() {
        return ENGINE.missing(format!("{finding} is older than 20.10"), "renew it");
    }
    if !known.is_empty() && known.as_slice() < WITHOUT_DEADLOCK.as_slice() {
        return ENGINE.warning(
            format!("{finding} can deadlock when containers of one network end together; `docker inspect` hangs then"),
            "use 20.10.27 or later; an engine that hangs has to be killed with SIGKILL and started again",
        );
    }
    ENGINE.ok(finding)
}

fn storage(info: &SystemInfo) -> Check {
    let driver = info.driver.as_deref().unwrap_or("unknown");
    match driver {
        "vfs" => STORAGE.warning(
            "vfs, which copies every layer whole: slow, and much disk",
            "use overlay2 (`storage-driver` in daemon.json) on a file system that has it, such as ext4",
        ),
        "aufs" | "devicemapper" | "overlay" => STORAGE.warning(
            format!("{driver}, which newer engines do not have"),
            "use overlay2 (`storage-driver` in daemon.json)",
        ),
        _ => STORAGE.ok(driver),
    }
}

/// Both are supported; the difference matters to people who look for an image.
fn images(info: &SystemInfo) -> Check {
    let status = info.driver_status.iter().flatten();
    let containerd = status.flatten().any(|word| word.starts_with("io.containerd.snapshotter"));
    IMAGES.ok(if containerd { "containerd" } else { "the engine's own (graph driver)" })
}

fn cgroup(info: &SystemInfo) -> Check {
    let driver = info.cgroup_driver.as_ref().map(|driver| format!(", driver {driver}")).unwrap_or_default();
    let version = match info.cgroup_version {
        Some(SystemInfoCgroupVersionEnum::_1) => "1",
        Some(SystemInfoCgroupVersionEnum::_2) => "2",
        _ => "unknown",
    };
    let finding = format!("version {version}{driver}");
    if info.memory_limit == Some(false) {
        return CGROUP.warning(
            format!("{finding}; memory limits have no effect"),
            "give the engine the memory controller; without it faults and limits of memory cannot be tried",
        );
    }
    if version == "1" {
        return CGROUP.warning(
            format!("{finding}: enough for Docker, while the kubelet refuses it from Kubernetes 1.35 on"),
            "boot with `systemd.unified_cgroup_hierarchy=1`, or run older Kubernetes nodes",
        );
    }
    CGROUP.ok(finding)
}

fn clock(ahead: SignedDuration) -> Check {
    if ahead.abs() <= CLOCK_TOLERANCE {
        return CLOCK.ok("agrees with ours");
    }
    let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
    CLOCK.warning(
        format!("{:#} {direction} ours: times of containers and of the harness cannot be compared", ahead.abs()),
        "set both by a time service; a virtual machine that slept needs a restart of its clock",
    )
}

#[cfg(test)]
mod tests {
    use Verdict::{Missing, Ok as Fine, Warning};
    use bollard::models::SystemInfoCgroupDriverEnum;
    use hourglass_base::Verdict;
    use hourglass_engine::EngineAddress;

    use super::*;
    use crate::Unknown;

    fn address() -> EngineAddress {
        EngineAddress::Socket("/var/run/docker.sock".into())
    }

    fn facts(version: &str, info: SystemInfo) -> EngineFacts {
        let version = version.to_owned();
        EngineFacts { address: address(), version, info, bounding: None, space: None, ahead: None }
    }

    fn of(system: &str) -> SystemInfo {
        SystemInfo { os_type: Some(system.to_owned()), ..SystemInfo::default() }
    }

    fn stored(driver: &str, status: &[[&str; 2]]) -> SystemInfo {
        let status = status.iter().map(|pair| pair.map(str::to_owned).to_vec()).collect();
        SystemInfo { driver: Some(driver.to_owned()), driver_status: Some(status), ..SystemInfo::default() }
    }

    fn grouped(version: SystemInfoCgroupVersionEnum, memory: bool) -> SystemInfo {
        SystemInfo {
            cgroup_version: Some(version),
            cgroup_driver: Some(SystemInfoCgroupDriverEnum::SYSTEMD),
            memory_limit: Some(memory),
            ..SystemInfo::default()
        }
    }

    const V1: SystemInfoCgroupVersionEnum = SystemInfoCgroupVersionEnum::_1;
    const V2: SystemInfoCgroupVersionEnum = SystemInfoCgroupVersionEnum::_2;
    const SNAPSHOTTER: [&str; 2] = ["driver-type", "io.containerd.snapshotter.v1"];

    #[rstest::rstest]
    #[case::version(version(&facts("28.2.2", of("linux"))), Fine, "28.2.2 at /var/run/docker.sock")]
    #[case::with_deadlock(version(&facts("20.10.24+dfsg1", of("linux"))), Warning, "20.10.24+dfsg1")]
    #[case::without_deadlock(version(&facts("20.10.27", of("linux"))), Fine, "20.10.27")]
    #[case::too_old(version(&facts("19.03.15", of("linux"))), Missing, "older than 20.10")]
    #[case::of_ones_own(version(&facts("dev", of("linux"))), Fine, "dev at")]
    #[case::windows(version(&facts("28.2.2", of("windows"))), Missing, "another system")]
    #[case::overlay2(storage(&stored("overlay2", &[])), Fine, "overlay2")]
    #[case::vfs(storage(&stored("vfs", &[])), Warning, "copies every layer")]
    #[case::aufs(storage(&stored("aufs", &[])), Warning, "newer engines")]
    #[case::graph(images(&stored("overlay2", &[["Backing Filesystem", "extfs"]])), Fine, "graph driver")]
    #[case::containerd(images(&stored("overlayfs", &[SNAPSHOTTER])), Fine, "containerd")]
    #[case::cgroup_2(cgroup(&grouped(V2, true)), Fine, "version 2, driver systemd")]
    #[case::cgroup_1(cgroup(&grouped(V1, true)), Warning, "version 1, driver systemd: enough for Docker")]
    #[case::no_limits(cgroup(&grouped(V2, false)), Warning, "memory limits have no effect")]
    #[case::same_clock(clock(SignedDuration::from_millis(-1900)), Fine, "agrees")]
    #[case::clock_behind(clock(SignedDuration::from_secs(-90)), Warning, "behind ours")]
    #[case::clock_ahead(clock(SignedDuration::from_secs(90)), Warning, "ahead of ours")]
    fn each_engine_finding_has_its_verdict(#[case] check: Check, #[case] verdict: Verdict, #[case] says: &str) {
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.finding.contains(says), "{check:?}");
        assert_eq!(check.remedy.is_none(), verdict == Fine, "a finding without a remedy: {check:?}");
    }

    /// Without an engine there is one line, and it says what to do.
    #[rstest::rstest]
    #[case::none(Ok(Err(EngineError::NotThere { address: address() })), "docker-engine", "harness setup docker")]
    #[case::forbidden(Ok(Err(EngineError::Forbidden { address: address() })), "docker-permission", "usermod -aG docker")]
    #[case::stopped(
        Ok(Err(EngineError::Stopped { address: address(), source: std::io::ErrorKind::ConnectionRefused.into() })),
        "docker-engine",
        "start the engine"
    )]
    #[case::late(Err(Unknown::Late(std::time::Duration::from_secs(5))), "docker-engine", "docker version")]
    fn an_engine_that_cannot_be_used_is_one_line(
        #[case] engine: Known<Result<EngineFacts, EngineError>>,
        #[case] name: &str,
        #[case] remedy: &str,
    ) {
        let [check] = all(&engine).try_into().unwrap();
        assert_eq!((check.name, check.verdict, check.needed_by), (name, Missing, CONTAINERS));
        assert!(check.remedy.as_ref().is_some_and(|text| text.contains(remedy)), "{check:?}");
    }
}
